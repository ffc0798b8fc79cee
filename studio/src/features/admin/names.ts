import { useMe } from "@/shared/api/me";
import type { Account } from "./api";

/** From before this server had accounts: nobody logs in as that one. */
const FIRST_OWNER = "00000000-0000-7000-8000-000000000001";

/** Visitors have no name: the end of their number tells them apart. */
export function useAccountName(account: Account): string {
  const me = useMe();
  if (account.user === me?.id) return "You";
  if (account.user === FIRST_OWNER) return "The owner before accounts";
  return account.name ?? `Visitor ${account.user.slice(-6)}`;
}

/** Whether somebody else's login can be looked after: not one's own, and not one that nobody has. */
export function useManageable(user: string): boolean {
  const me = useMe();
  return me !== undefined && user !== me.id && user !== FIRST_OWNER;
}
