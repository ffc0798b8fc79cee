/** What could be ordered instead with the credits that are there. */
import type { Model } from "@/shared/api/types";
import type { Draft } from "./draft";

export type Instead = { change: Partial<Draft>; words: string; credits: number };

/** The dearest line: what it will surely not cost more than. */
const dearest = (model: Model): number => Math.max(0, ...model.price.map((price) => price.credits));

/** The cheapest model that fits; else as many pictures of the cheapest one as there are credits for. */
export function affordable(
  models: readonly Model[],
  draft: Draft,
  kind: Model["kind"],
  available: number,
): Instead | null {
  const byPrice = models
    .filter((model) => model.available && model.kind === kind)
    .filter((model) => draft.prompt.trim().length <= model.prompt_max)
    .sort((a, b) => dearest(a) - dearest(b));
  const fits = byPrice.find(
    (model) =>
      dearest(model) * draft.count <= available && model.capabilities.count_max >= draft.count,
  );
  if (fits) {
    return {
      change: { model: fits.id },
      words: `Use ${fits.name}`,
      credits: dearest(fits) * draft.count,
    };
  }
  const [cheapest] = byPrice;
  if (!cheapest) return null;
  const each = dearest(cheapest);
  const count = Math.min(
    draft.count,
    cheapest.capabilities.count_max,
    Math.floor(available / each),
  );
  if (count < 1) return null;
  const where = cheapest.id === draft.model ? "" : ` with ${cheapest.name}`;
  return {
    change: { model: cheapest.id, count },
    words: `Make ${count}${where}`,
    credits: each * count,
  };
}
