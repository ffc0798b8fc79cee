import { describe, expect, it } from "vitest";
import { hasOwnLimits, hintOf, limitsOf, textsOf } from "./limits";
import type { User } from "./users";

const none = { submits_per_minute: null, open_max: null, running_max: null, quota_bytes: null };
const user = (limits: Partial<User["limits"]>): User => ({
  id: "u",
  email: null,
  name: "Ada",
  role: "user",
  created_at: "2026-11-20T10:00:00Z",
  disabled_at: null,
  deleted_at: null,
  has_password: true,
  logins: [],
  last_seen_at: null,
  limits: { ...none, ...limits },
  allowed: { submits_per_minute: 60, open_max: null, running_max: 4, quota_bytes: 2e9, ...limits },
});

describe("limitsOf", () => {
  it("sends back what is set, and nothing where nothing is", () => {
    const limits = { submits_per_minute: null, open_max: 20, running_max: 1, quota_bytes: 12_345 };
    expect(limitsOf(textsOf(limits))).toEqual({ limits, wrong: [] });
  });

  it("names every field that holds no number", () => {
    const texts = {
      submits_per_minute: "0",
      open_max: "few",
      running_max: "1.5e2",
      quota_bytes: "-1",
    };
    expect(limitsOf(texts)).toEqual({ limits: none, wrong: Object.keys(texts) });
  });

  it("takes parts of a megabyte, and no parts of a job", () => {
    const texts = { ...textsOf(none), quota_bytes: "1.5" };
    expect(limitsOf(texts).limits.quota_bytes).toBe(1_500_000);
  });
});

describe("hintOf", () => {
  it("says what holds for everybody where nothing is set", () => {
    expect(hintOf("submits_per_minute", user({}))).toBe("Empty: 60, as for everybody.");
    expect(hintOf("quota_bytes", user({}))).toBe("Empty: 2.0 GB, as for everybody.");
    expect(hintOf("open_max", user({}))).toBe("Empty: any number, as for everybody.");
  });

  it("does not call a user's own number everybody's", () => {
    expect(hintOf("running_max", user({ running_max: 9 }))).toBe("Empty: as for everybody.");
  });
});

it("tells who has limits of their own", () => {
  expect([user({}), user({ open_max: 1 })].map(hasOwnLimits)).toEqual([false, true]);
});
