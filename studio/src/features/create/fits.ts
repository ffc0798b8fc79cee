/** Whether a model can start from these pictures, and which other one could. */
import type { Model } from "@/shared/api/types";
import type { Abilities } from "./draft";

export type Misfit = { words: string; other: Model | null };

type Wanted = { references: number; mask: boolean };

export const takes = ({ capabilities: can }: Model, wanted: Wanted): boolean =>
  can.references_max >= wanted.references && (can.mask || !wanted.mask);

/** Null: it can. */
export function misfit(
  models: readonly Model[],
  chosen: string,
  { referencesMax: max, mask }: Pick<Abilities, "referencesMax" | "mask">,
  wanted: Wanted,
): Misfit | null {
  if (wanted.references <= max && (mask || !wanted.mask)) return null;
  const named = models.find((model) => model.id === chosen);
  const other =
    models
      .filter((model) => model.available && model.kind === (named?.kind ?? "image"))
      .filter((model) => takes(model, wanted))
      .sort((a, b) => least(a) - least(b))[0] ?? null;
  const words =
    wanted.references > max ? tooMany(named?.name, max) : takesNone(named?.name, "a mask", "mask");
  return { words, other: other && other.id !== chosen ? other : null };
}

const tooMany = (name: string | undefined, max: number): string =>
  max === 0
    ? takesNone(name, "references", "references")
    : `${name ?? "A model here"} takes ${max === 1 ? "1 reference" : `${max} references`} at most.`;

const takesNone = (name: string | undefined, some: string, none: string): string =>
  name ? `${name} takes no ${none}.` : `No model here takes ${some}.`;

const least = (model: Model): number => Math.min(...model.price.map((price) => price.credits));
