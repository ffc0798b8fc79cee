/** What the forms of an account hold, and the requests they become. */
import { randomSeed } from "@/shared/api/random";
import type { AccountChange, Every, Grant } from "./api";

/** A whole number of credits as somebody types it; null where it is not one. */
export function amountOf(text: string): number | null {
  const digits = text.replace(/[\s,.'’]/g, "");
  const amount = Number(digits);
  return /^\d{1,15}$/.test(digits) && amount > 0 ? amount : null;
}

/** A name for the grant that nobody has used: a second press of the button gives nothing twice. */
export const freshReference = (now = new Date()): string =>
  `grant ${now.toISOString().slice(0, 10)} ${randomSeed().toString(36).slice(0, 6)}`;

export function grantOf(user: string, text: string, reference: string, note: string): Grant | null {
  const credits = amountOf(text);
  if (credits === null || reference.trim() === "") return null;
  return { user, credits, reference: reference.trim(), note: note.trim() || null };
}

export function allowanceOf(text: string, every: Every): AccountChange | null {
  if (text.trim() === "") return { allowance: null, allowance_every: null };
  const allowance = amountOf(text);
  return allowance === null ? null : { allowance, allowance_every: every };
}
