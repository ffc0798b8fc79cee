/** What the form of a user's own limits holds, and the request it becomes. */
import { bytes, count } from "@/shared/ui/format";
import { amountOf } from "./grant";
import type { User } from "./users";

export type Limits = User["limits"];
export type LimitName = keyof Limits;
export type LimitTexts = Readonly<Record<LimitName, string>>;

const MEGABYTE = 1e6;

export const limitLabels: readonly { name: LimitName; label: string }[] = [
  { name: "submits_per_minute", label: "Orders a minute" },
  { name: "open_max", label: "Unfinished jobs" },
  { name: "running_max", label: "Jobs worked on at a time" },
  { name: "quota_bytes", label: "Storage in MB" },
];

export const textsOf = (limits: Limits): LimitTexts => ({
  submits_per_minute: String(limits.submits_per_minute ?? ""),
  open_max: String(limits.open_max ?? ""),
  running_max: String(limits.running_max ?? ""),
  quota_bytes: limits.quota_bytes === null ? "" : String(limits.quota_bytes / MEGABYTE),
});

/** Null: as for everybody. Undefined: no number. */
function limitOf(name: LimitName, text: string): number | null | undefined {
  if (text.trim() === "") return null;
  if (name !== "quota_bytes") return amountOf(text) ?? undefined;
  const megabytes = Number(text.replace(/[\s']/g, ""));
  return megabytes > 0 && Number.isFinite(megabytes) ? Math.round(megabytes * MEGABYTE) : undefined;
}

/** What to send, and the fields that hold no number. */
export function limitsOf(texts: LimitTexts): { limits: Limits; wrong: readonly LimitName[] } {
  const limits: Limits = {
    submits_per_minute: null,
    open_max: null,
    running_max: null,
    quota_bytes: null,
  };
  const wrong: LimitName[] = [];
  for (const { name } of limitLabels) {
    const value = limitOf(name, texts[name]);
    if (value === undefined) wrong.push(name);
    else limits[name] = value;
  }
  return { limits, wrong };
}

/** What an empty field means for this user. */
export function hintOf(name: LimitName, user: User): string {
  if (user.limits[name] !== null) return "Empty: as for everybody.";
  const all = user.allowed[name];
  if (all === null) return "Empty: any number, as for everybody.";
  return `Empty: ${name === "quota_bytes" ? bytes(all) : count(all)}, as for everybody.`;
}

export const hasOwnLimits = (user: User): boolean =>
  Object.values(user.limits).some((value) => value !== null);
