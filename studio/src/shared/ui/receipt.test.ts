import { describe, expect, it } from "vitest";
import type { Receipt } from "@/shared/api/types";
import { receiptLines } from "./receipt";

const receipt = (change: Partial<Receipt>): Receipt =>
  ({
    count: 1,
    price: { each: 2, total: 2 },
    quoted: 2,
    held: 0,
    confirmed: 0,
    released: 0,
    refunded: 0,
    charged: 0,
    finished_at: "2026-11-20T10:00:00Z",
    ...change,
  }) as Receipt;

const told = (change: Partial<Receipt>) =>
  receiptLines(receipt(change)).map(({ name, amount }) => `${name} ${amount}`);

describe("receiptLines", () => {
  it("says what is set aside while the job goes on, and nothing yet about a charge", () => {
    expect(told({ held: 2, finished_at: null })).toEqual(["Quoted 2", "Set aside 2"]);
  });

  it("says what was paid and what came back of a job that was delivered in part", () => {
    const part = { count: 4, price: { each: 2, total: 8 }, quoted: 8, confirmed: 6, released: 2 };
    expect(told({ ...part, charged: 6 })).toEqual([
      "Quoted (4 × 2) 8",
      "Given back 2",
      "Charged 6",
    ]);
  });

  it("tells a refund from what was never taken", () => {
    expect(told({ confirmed: 2, refunded: 2, charged: 0 })).toEqual([
      "Quoted 2",
      "Paid 2",
      "Refunded 2",
      "Charged 0",
    ]);
  });

  it("says zero of a result that was there already", () => {
    expect(told({ quoted: 0, price: { each: 0, total: 0 } })).toEqual(["Charged 0"]);
  });
});
