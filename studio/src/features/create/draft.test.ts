import { describe, expect, it } from "vitest";
import type { Model } from "@/shared/api/types";
import { abilities, fitted, freshDraft, isDraft, orderFrom } from "./draft";

const model = (id: string, change: object = {}, can: object = {}): Model =>
  ({
    id,
    kind: "image",
    available: true,
    prompt_max: 4000,
    price: [{ when: "each", credits: 1, usd: null }],
    capabilities: {
      aspect_ratios: ["16:9", "1:1", "2:3"],
      count_max: 8,
      seed: true,
      negative_prompt: false,
      ...can,
    },
    ...change,
  }) as unknown as Model;

describe("abilities", () => {
  it("offers for auto what at least one model that is there can do", () => {
    const can = abilities(
      [
        model("a"),
        model("b", { price: [{ when: "each", credits: 6 }] }),
        model("c", { available: false }, { aspect_ratios: ["7:1"] }),
      ],
      "auto",
    );
    expect(can.aspects).toEqual(["1:1", "2:3", "16:9"]);
    expect(can.price).toEqual([1, 6]);
    expect(can.countMax).toBe(4);
  });

  it("refuses for auto nothing that one of them takes", () => {
    const small = model("a", { prompt_max: 1000 }, { count_max: 1 });
    const can = abilities([small, model("b")], "auto");
    expect(can.promptMax).toBe(4000);
    expect(can.countMax).toBe(4);
    expect(abilities([small, model("b")], "a").promptMax).toBe(1000);
    expect(abilities([], "auto").promptMax).toBe(8000);
  });

  it("never promises a longer prompt than the server takes", () => {
    expect(abilities([model("a", { prompt_max: 32_000 })], "a").promptMax).toBe(8000);
  });
});

describe("orders", () => {
  const can = abilities([model("a", {}, { seed: false, count_max: 1 })], "a");

  it("leave out what the model cannot do", () => {
    const wished = { ...freshDraft, prompt: " x ", model: "a", aspect: "7:1", count: 3, seed: 5 };
    expect(fitted(wished, can)).toMatchObject({ aspect: "1:1", count: 1, seed: null });
    expect(orderFrom(wished, can)).toEqual({
      prompt: "x",
      type: "image",
      model: "a",
      count: 1,
      priority: "normal",
      parameters: { aspect_ratio: "1:1" },
    });
  });

  it("start from their references, and from a mask of the first", () => {
    const wished = { ...freshDraft, prompt: "x", model: "a" };
    const [references, mask] = [["one", "two"], "three"];
    expect(orderFrom(wished, can, { references, mask })).toMatchObject({ references, mask });
    expect(orderFrom(wished, can, { references, mask: null })).not.toHaveProperty("mask");
    expect(orderFrom(wished, can)).not.toHaveProperty("references");
  });

  it("ask a text model for text, without a shape", () => {
    const writer = abilities([model("t", { kind: "text" })], "t");
    expect(orderFrom({ ...freshDraft, prompt: "x", model: "t" }, writer)).toMatchObject({
      type: "text",
      parameters: {},
    });
  });
});

describe("isDraft", () => {
  it("does not trust what an older version stored", () => {
    expect(isDraft(freshDraft)).toBe(true);
    expect(isDraft({ ...freshDraft, seed: 3 })).toBe(true);
    expect(isDraft({ ...freshDraft, count: "3" })).toBe(false);
    expect(isDraft({ prompt: "x" })).toBe(false);
    expect(isDraft(null)).toBe(false);
  });
});
