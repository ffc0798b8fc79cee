import { describe, expect, it } from "vitest";
import type { Model } from "@/shared/api/types";
import { misfit } from "./fits";

const model = (id: string, references_max: number, credits = 1, change: object = {}): Model =>
  ({
    id,
    name: id.toUpperCase(),
    kind: "image",
    available: true,
    price: [{ when: "each", credits, usd: null }],
    capabilities: { references_max },
    ...change,
  }) as unknown as Model;

const models = [
  model("none", 0),
  model("dear", 8, 9),
  model("cheap", 4, 2),
  model("off", 16, 1, { available: false }),
  model("words", 4, 1, { kind: "text" }),
];

describe("misfit", () => {
  it("is nothing to say while the model takes as many", () => {
    expect(misfit(models, "cheap", 4, 4)).toBeNull();
    expect(misfit(models, "none", 0, 0)).toBeNull();
  });

  it("names the cheapest model of the same kind that takes them", () => {
    expect(misfit(models, "none", 0, 1)).toMatchObject({
      words: "NONE takes no references.",
      other: { id: "cheap" },
    });
    expect(misfit(models, "cheap", 4, 5)).toMatchObject({
      words: "CHEAP takes 4 references at most.",
      other: { id: "dear" },
    });
  });

  it("names nobody where nobody can", () => {
    expect(misfit(models, "words", 4, 5)?.other).toBeNull();
    expect(misfit([model("none", 0)], "auto", 0, 1)).toEqual({
      words: "No model here takes references.",
      other: null,
    });
  });
});
