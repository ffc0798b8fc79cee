import { describe, expect, it } from "vitest";
import type { Model } from "@/shared/api/types";
import { affordable } from "./afford";
import { freshDraft } from "./draft";

const model = (id: string, prices: number[], change: object = {}): Model =>
  ({
    id,
    name: id.toUpperCase(),
    kind: "image",
    available: true,
    prompt_max: 4000,
    price: prices.map((credits) => ({ when: "each", credits, usd: null })),
    capabilities: { count_max: 8 },
    ...change,
  }) as unknown as Model;

const draft = { ...freshDraft, prompt: "x", model: "dear", count: 2 };

describe("affordable", () => {
  it("offers the cheapest model that surely fits, at its dearest size", () => {
    const models = [model("dear", [4]), model("mixed", [1, 3]), model("cheap", [1])];
    expect(affordable(models, draft, "image", 3)).toEqual({
      change: { model: "cheap" },
      words: "Use CHEAP",
      credits: 2,
    });
  });

  it("offers fewer pictures where no model fits as it is", () => {
    expect(affordable([model("dear", [2])], { ...draft, count: 4 }, "image", 5)).toEqual({
      change: { model: "dear", count: 2 },
      words: "Make 2",
      credits: 4,
    });
  });

  it("offers nothing that cannot be had", () => {
    const off = model("off", [0], { available: false });
    const text = model("text", [0], { kind: "text" });
    const short = model("short", [0], { prompt_max: 0 });
    expect(affordable([off, text, short, model("dear", [4])], draft, "image", 3)).toBeNull();
  });
});
