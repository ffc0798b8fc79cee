/** What the form of a new key holds, the request it becomes, and a first call to make with it. */
import type { KeyIn, Scope } from "./api";

export type Expiry = "never" | "30" | "90" | "365" | "date";

export type Wish = {
  name: string;
  /** False: all that its owner may do, but for administration. */
  limited: boolean;
  scopes: readonly Scope[];
  expiry: Expiry;
  /** As a date field has it: 2027-01-31. */
  date: string;
};

export const freshWish: Wish = { name: "", limited: false, scopes: [], expiry: "90", date: "" };

// Total on purpose: a new scope on the server stops the build here until it has its words.
const scopeWords: Record<Scope, string> = {
  "jobs:write": "Order, cancel and change",
  "jobs:read": "Read jobs and credits",
  "assets:read": "Read pictures",
  admin: "Administration",
};

export const scopesFor = (isAdmin: boolean): readonly { scope: Scope; words: string }[] =>
  (Object.keys(scopeWords) as Scope[])
    .filter((scope) => isAdmin || scope !== "admin")
    .map((scope) => ({ scope, words: scopeWords[scope] }));

export const scopeNames = (scopes: readonly Scope[] | null): string =>
  scopes === null ? "Everything but administration" : scopes.join(", ");

const DAY_MS = 86_400_000;

/** Null: never. A date means until that day has ended where the reader is. */
export function expiryOf({ expiry, date }: Wish, now = Date.now()): string | null {
  switch (expiry) {
    case "never":
      return null;
    case "date": {
      const end = new Date(`${date}T23:59:59`);
      return Number.isNaN(end.getTime()) ? null : end.toISOString();
    }
    default:
      return new Date(now + Number(expiry) * DAY_MS).toISOString();
  }
}

/** What is missing before the server is asked; by the names it gives its fields. */
export function missing({ limited, scopes, expiry, date }: Wish): Record<string, string> {
  return {
    ...(limited && scopes.length === 0 ? { scopes: "Choose at least one." } : {}),
    ...(expiry === "date" && date === "" ? { expires_at: "Choose a day." } : {}),
  };
}

export const keyOf = (wish: Wish, now = Date.now()): KeyIn => ({
  name: wish.name,
  scopes: wish.limited ? [...wish.scopes] : null,
  expires_at: expiryOf(wish, now),
});

/** A call this key is good for. */
export function example(key: string, scopes: readonly Scope[] | null, origin: string): string {
  const bearer = `-H "Authorization: Bearer ${key}"`;
  const reads = (path: string) => `curl ${origin}${path} \\\n  ${bearer}`;
  if (scopes === null || scopes.includes("jobs:write")) {
    return [
      `curl ${origin}/api/jobs`,
      bearer,
      '-H "Content-Type: application/json"',
      `-d '{"prompt": "A heron over tin roofs"}'`,
    ].join(" \\\n  ");
  }
  if (scopes.includes("jobs:read")) return reads("/api/jobs");
  return reads(scopes.includes("assets:read") ? "/api/assets" : "/api/admin/queue");
}
