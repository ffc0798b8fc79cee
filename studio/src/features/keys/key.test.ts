import { describe, expect, it } from "vitest";
import { example, expiryOf, freshWish, keyOf, missing, scopesFor } from "./key";

const wish = { ...freshWish, name: "Blog" };

describe("a new key", () => {
  it("may do everything but administration unless it is limited", () => {
    expect(keyOf(wish).scopes).toBeNull();
    expect(keyOf({ ...wish, scopes: ["jobs:read"] }).scopes).toBeNull();
    expect(keyOf({ ...wish, limited: true, scopes: ["jobs:read"] }).scopes).toEqual(["jobs:read"]);
  });

  it("is told what is missing before the server is asked", () => {
    expect(missing(wish)).toEqual({});
    expect(missing({ ...wish, limited: true })).toEqual({ scopes: "Choose at least one." });
    expect(missing({ ...wish, expiry: "date" })).toEqual({ expires_at: "Choose a day." });
  });

  it("expires after so many days, at the end of a day, or never", () => {
    const now = Date.UTC(2026, 0, 1);
    expect(expiryOf({ ...wish, expiry: "30" }, now)).toBe("2026-01-31T00:00:00.000Z");
    expect(expiryOf({ ...wish, expiry: "never" }, now)).toBeNull();
    const end = new Date(expiryOf({ ...wish, expiry: "date", date: "2027-05-06" }, now) ?? "");
    expect([end.getDate(), end.getHours(), end.getMinutes()]).toEqual([6, 23, 59]);
  });

  it("is offered the scope of administrators only by one", () => {
    expect(scopesFor(false).map(({ scope }) => scope)).not.toContain("admin");
    expect(scopesFor(true).map(({ scope }) => scope)).toContain("admin");
  });
});

describe("example", () => {
  it("is a call that the key is good for", () => {
    const host = "https://pictures.example";
    expect(example("sl_1", null, host)).toContain('-d \'{"prompt"');
    expect(example("sl_1", ["jobs:read"], host)).toBe(
      'curl https://pictures.example/api/jobs \\\n  -H "Authorization: Bearer sl_1"',
    );
    expect(example("sl_1", ["assets:read"], host)).toContain("/api/assets");
    expect(example("sl_1", ["admin"], host)).toContain("/api/admin/queue");
  });
});
