/** Whether a model can start from so many pictures, and which other one could. */
import type { Model } from "@/shared/api/types";

export type Misfit = { words: string; other: Model | null };

/** Null: it can. */
export function misfit(
  models: readonly Model[],
  chosen: string,
  max: number,
  wanted: number,
): Misfit | null {
  if (wanted <= max) return null;
  const named = models.find((model) => model.id === chosen);
  const other =
    models
      .filter((model) => model.available && model.kind === (named?.kind ?? "image"))
      .filter((model) => model.capabilities.references_max >= wanted)
      .sort((a, b) => least(a) - least(b))[0] ?? null;
  const name = named?.name ?? "A model here";
  const words =
    max === 0
      ? named
        ? `${name} takes no references.`
        : "No model here takes references."
      : `${name} takes ${max === 1 ? "1 reference" : `${max} references`} at most.`;
  return { words, other: other && other.id !== chosen ? other : null };
}

const least = (model: Model): number => Math.min(...model.price.map((price) => price.credits));
