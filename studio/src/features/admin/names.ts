import { useMe } from "@/shared/api/me";
import type { Account } from "./api";

/** Visitors have no name: the end of their number tells them apart. */
export function useAccountName(account: Account): string {
  const me = useMe();
  if (account.user === me?.id) return "You";
  return account.name ?? `Visitor ${account.user.slice(-6)}`;
}
