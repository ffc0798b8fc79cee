import { describe, expect, it } from "vitest";
import type { LedgerLine } from "@/shared/api/types";
import { signed, tell } from "./ledger";

const line = (kind: LedgerLine["kind"], credits: number, job: string | null = "j"): LedgerLine => ({
  id: "1",
  at: "2026-11-20T10:00:00Z",
  kind,
  credits,
  available_after: 0,
  job_id: job,
  note: null,
  prompt: null,
});

describe("tell", () => {
  it("takes what is set aside from what is available, and paying from what is set aside", () => {
    expect(tell(line("hold", 4), null).change).toBe(-4);
    expect(tell(line("confirm", 4), null)).toMatchObject({ what: "Paid 4 credits", change: 0 });
    expect(tell(line("grant", 10, null), null).change).toBe(10);
  });

  it("says that a job cost nothing when all of it was given back", () => {
    const told = tell(line("release", 4), line("hold", 4));
    expect(told).toMatchObject({ note: "You were not charged", change: 4 });
    expect(tell(line("expire", 4), null).note).toBe("You were not charged");
  });

  it("does not say so of a job that was paid for in part", () => {
    expect(tell(line("release", 1), line("confirm", 3)).note).toBe("for what was not delivered");
    const elses = tell(line("release", 1), line("confirm", 3, "another"));
    expect(elses.note).toBe("You were not charged");
  });

  it("says nothing about the money while the line before it is on another page", () => {
    expect(tell(line("release", 1), undefined).note).toBeNull();
  });
});

describe("signed", () => {
  it("has a real minus", () => {
    expect([1200, -4, 0].map(signed)).toEqual(["+1,200", "−4", "0"]);
  });
});
