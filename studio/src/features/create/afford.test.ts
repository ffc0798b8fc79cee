import { describe, expect, it } from "vitest";
import { affordable, type Offer } from "./afford";

const offer = (model: string, credits: number, countMax = 8): Offer => ({
  model,
  name: model.toUpperCase(),
  countMax,
  credits,
});

describe("affordable", () => {
  it("offers the cheapest model that fits", () => {
    const offers = [offer("dear", 8), offer("fair", 3), offer("cheap", 2)];
    expect(affordable(offers, { model: "dear", count: 2 }, 3)).toEqual({
      change: { model: "cheap" },
      words: "Use CHEAP",
      credits: 2,
    });
  });

  it("passes over a model that makes fewer at a time", () => {
    const offers = [offer("one", 1, 1), offer("many", 3)];
    expect(affordable(offers, { model: "dear", count: 3 }, 3)?.change).toEqual({ model: "many" });
  });

  it("offers fewer pictures where no model fits as it is", () => {
    expect(affordable([offer("dear", 8)], { model: "dear", count: 4 }, 5)).toEqual({
      change: { model: "dear", count: 2 },
      words: "Make 2",
      credits: 4,
    });
    const other = affordable([offer("cheap", 4)], { model: "dear", count: 4 }, 1);
    expect(other?.words).toBe("Make 1 with CHEAP");
  });

  it("offers nothing that cannot be had", () => {
    expect(affordable([offer("dear", 4)], { model: "dear", count: 1 }, 3)).toBeNull();
    expect(affordable([], { model: "dear", count: 1 }, 3)).toBeNull();
  });
});
