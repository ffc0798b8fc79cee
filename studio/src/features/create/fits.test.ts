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

/** What a model can, and what is wanted of it. */
const can = (referencesMax: number, mask = false) => ({ referencesMax, mask });
const want = (references: number, mask = false) => ({ references, mask });

const models = [
  model("none", 0),
  model("dear", 8, 9),
  model("cheap", 4, 2),
  model("off", 16, 1, { available: false }),
  model("words", 4, 1, { kind: "text" }),
];

describe("misfit", () => {
  it("is nothing to say while the model takes as many", () => {
    expect(misfit(models, "cheap", can(4), want(4))).toBeNull();
    expect(misfit(models, "none", can(0), want(0))).toBeNull();
  });

  it("names the cheapest model of the same kind that takes them", () => {
    expect(misfit(models, "none", can(0), want(1))).toMatchObject({
      words: "NONE takes no references.",
      other: { id: "cheap" },
    });
    expect(misfit(models, "cheap", can(4), want(5))).toMatchObject({
      words: "CHEAP takes 4 references at most.",
      other: { id: "dear" },
    });
  });

  it("names nobody where nobody can", () => {
    expect(misfit(models, "words", can(4), want(5))?.other).toBeNull();
    expect(misfit([model("none", 0)], "auto", can(0), want(1))).toEqual({
      words: "No model here takes references.",
      other: null,
    });
  });

  it("knows who takes a mask", () => {
    const masking = [
      model("plain", 4, 1),
      model("small", 1, 2, { capabilities: { references_max: 1, mask: true } }),
      model("large", 8, 9, { capabilities: { references_max: 8, mask: true } }),
    ];
    expect(misfit(masking, "small", can(1, true), want(1, true))).toBeNull();
    expect(misfit(masking, "plain", can(4), want(1))).toBeNull();
    expect(misfit(masking, "plain", can(4), want(1, true))).toMatchObject({
      words: "PLAIN takes no mask.",
      other: { id: "small" },
    });
    expect(misfit(masking, "plain", can(4), want(2, true))?.other?.id).toBe("large");
    expect(misfit([model("plain", 4)], "auto", can(4), want(1, true))).toEqual({
      words: "No model here takes a mask.",
      other: null,
    });
  });
});
