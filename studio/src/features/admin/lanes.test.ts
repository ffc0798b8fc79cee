import { describe, expect, it } from "vitest";
import type { Lane } from "./api";
import { canResume, standing } from "./lanes";

const NOW = Date.parse("2026-11-20T10:00:00Z");

const lane = (change: Partial<Lane>): Lane => ({
  lane: "openai",
  paused_until: null,
  paused_why: null,
  breaker: "closed",
  open_since: null,
  open_until: null,
  open_why: null,
  waiting: 0,
  parked: 0,
  delayed: 0,
  running: 0,
  oldest_waiting_seconds: 0,
  ended_last_minute: 0,
  workers: 1,
  places: 4,
  ...change,
});

const of = (change: Partial<Lane>) => standing(lane(change), NOW);

describe("standing", () => {
  it("is ready, or at work", () => {
    expect(of({})).toMatchObject({ kind: "good", what: "Ready" });
    expect(of({ running: 1 })).toMatchObject({ kind: "good", what: "Working" });
    expect(canResume(of({}))).toBe(false);
  });

  it("says until when it is paused, and why", () => {
    const endless = of({ paused_until: "9999-12-31T23:59:59Z", paused_why: "Too dear." });
    expect(endless).toEqual({ kind: "paused", what: "Paused until resumed", why: "Too dear." });
    expect(of({ paused_until: "2026-11-20T11:00:00Z" }).what).toMatch(/^Paused until .*\d\d:\d\d/);
    expect(canResume(endless)).toBe(true);
  });

  it("is not paused any more when the time has come", () => {
    expect(of({ paused_until: "2026-11-20T09:59:59Z" }).kind).toBe("good");
  });

  it("says what broke it and when it is tried again", () => {
    const broken = { breaker: "open", open_why: "It failed (status 500)." } as const;
    expect(of({ ...broken, open_until: "2026-11-20T10:00:12Z" })).toEqual({
      kind: "broken",
      what: "Left alone, tried again in 12 s",
      why: "It failed (status 500).",
    });
    expect(of({ ...broken, open_until: "2026-11-20T09:00:00Z" }).what).toBe(
      "Left alone until the next try",
    );
    expect(of({ ...broken, breaker: "probing" }).what).toBe("One job tries it again");
  });

  it("tells a lane nobody serves from one whose jobs nobody serves", () => {
    expect(of({ workers: 0 }).kind).toBe("idle");
    expect(of({ workers: 0, parked: 1 }).kind).toBe("broken");
  });
});
