import { describe, expect, it } from "vitest";
import { allowanceOf, amountOf, freshReference, grantOf } from "./grant";

describe("amountOf", () => {
  it("takes whole numbers, however they are grouped", () => {
    expect(["10", " 1 000 ", "1,000", "1.000"].map(amountOf)).toEqual([10, 1000, 1000, 1000]);
  });

  it("takes nothing else", () => {
    expect(["", "0", "-4", "ten", "1e3"].map(amountOf)).toEqual([null, null, null, null, null]);
  });
});

describe("grantOf", () => {
  it("needs a number and a reference, and sends no empty note", () => {
    expect(grantOf("u", "10", " order 7 ", " ")).toEqual({
      user: "u",
      credits: 10,
      reference: "order 7",
      note: null,
    });
    expect(grantOf("u", "10", " ", "")).toBeNull();
    expect(grantOf("u", "some", "order 7", "")).toBeNull();
  });

  it("gives every form a reference of its own", () => {
    const day = new Date("2026-11-20T10:00:00Z");
    expect(freshReference(day)).toMatch(/^grant 2026-11-20 \w+$/);
    expect(freshReference(day)).not.toBe(freshReference(day));
  });
});

describe("allowanceOf", () => {
  it("ends the allowance where the field is empty", () => {
    expect(allowanceOf("", "day")).toEqual({ allowance: null, allowance_every: null });
    expect(allowanceOf("50", "week")).toEqual({ allowance: 50, allowance_every: "week" });
    expect(allowanceOf("many", "week")).toBeNull();
  });
});
