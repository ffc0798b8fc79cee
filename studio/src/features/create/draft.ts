/** What the composer holds, and the order it becomes. */
import type { JobIn, Model, Priority } from "@/shared/api/types";

export type Draft = {
  prompt: string;
  /** A model's id, or `auto`: the server chooses. */
  model: string;
  aspect: string;
  count: number;
  style: string;
  seed: number | null;
  priority: Priority;
  negative: string;
};

export const freshDraft: Draft = {
  prompt: "",
  model: "auto",
  aspect: "1:1",
  count: 1,
  style: "",
  seed: null,
  priority: "normal",
  negative: "",
};

/** The pictures an order starts from; the mask is about the first of them. */
export type Sources = { references: readonly string[]; mask: string | null };

/** What the chosen model can do; for `auto`, what at least one of them can. */
export type Abilities = {
  kind: Model["kind"];
  aspects: readonly string[];
  countMax: number;
  seed: boolean;
  negative: boolean;
  promptMax: number;
  referencesMax: number;
  mask: boolean;
  /** Credits for one picture, cheapest and dearest. */
  price: readonly [number, number];
};

export const COUNT_MAX = 4;

/** What the server takes for any model. */
export const REFERENCES_MAX = 8;

const PROMPT_MAX = 8000;

const commonAspects = ["1:1", "4:5", "3:4", "2:3", "9:16", "5:4", "4:3", "3:2", "16:9", "21:9"];

export function abilities(models: readonly Model[], chosen: string): Abilities {
  const named = models.filter((model) => model.id === chosen);
  const able =
    named.length > 0 ? named : models.filter((model) => model.available && model.kind === "image");
  const can = able.map((model) => model.capabilities);
  const ratios = new Set(can.flatMap((one) => one.aspect_ratios));
  const credits = able.flatMap((model) => model.price.map((price) => price.credits));
  return {
    kind: named[0]?.kind ?? "image",
    aspects: ratios.size > 0 ? byShape([...ratios]) : ["1:1"],
    countMax: Math.min(COUNT_MAX, Math.max(1, ...can.map((one) => one.count_max))),
    seed: can.some((one) => one.seed),
    negative: named.length > 0 && can.some((one) => one.negative_prompt),
    promptMax: Math.min(
      PROMPT_MAX,
      able.length > 0 ? Math.max(...able.map((model) => model.prompt_max)) : PROMPT_MAX,
    ),
    referencesMax: Math.min(REFERENCES_MAX, Math.max(0, ...can.map((one) => one.references_max))),
    mask: can.some((one) => one.mask),
    price: credits.length > 0 ? [Math.min(...credits), Math.max(...credits)] : [0, 0],
  };
}

/** Square first, then tall, then wide: the order people look for them in. */
function byShape(ratios: string[]): string[] {
  const place = (ratio: string) => {
    const known = commonAspects.indexOf(ratio);
    return known >= 0 ? known : commonAspects.length;
  };
  return ratios.sort((a, b) => place(a) - place(b) || a.localeCompare(b));
}

/** The same wishes, as far as another model can follow them. */
export function fitted(draft: Draft, can: Abilities): Draft {
  return {
    ...draft,
    aspect: can.aspects.includes(draft.aspect) ? draft.aspect : (can.aspects[0] ?? "1:1"),
    count: Math.min(draft.count, can.countMax),
    seed: can.seed ? draft.seed : null,
    negative: can.negative ? draft.negative : "",
  };
}

const nothing: Sources = { references: [], mask: null };

export function orderFrom(
  wished: Draft,
  can: Abilities,
  { references, mask }: Sources = nothing,
): JobIn {
  const draft = fitted(wished, can);
  return {
    prompt: draft.prompt.trim(),
    type: can.kind,
    model: draft.model,
    count: draft.count,
    priority: draft.priority,
    ...(draft.style ? { style: draft.style } : {}),
    ...(draft.negative.trim() ? { negative_prompt: draft.negative.trim() } : {}),
    ...(references.length > 0 ? { references: [...references] } : {}),
    ...(mask ? { mask } : {}),
    parameters: {
      ...(can.kind === "image" ? { aspect_ratio: draft.aspect } : {}),
      ...(draft.seed === null ? {} : { seed: draft.seed }),
    },
  };
}

/** How many of the wishes behind "More" are set: they count although nobody sees them. */
export const wishes = (draft: Draft): number =>
  [
    draft.style !== "",
    draft.seed !== null,
    draft.priority !== "normal",
    draft.negative !== "",
  ].filter(Boolean).length;

export const isDraft = (value: unknown): value is Draft =>
  typeof value === "object" &&
  value !== null &&
  (Object.keys(freshDraft) as (keyof Draft)[]).every((key) => {
    const known = freshDraft[key];
    const given = (value as Record<string, unknown>)[key];
    return known === null
      ? given === null || typeof given === "number"
      : typeof given === typeof known;
  });
