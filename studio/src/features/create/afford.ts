/** What could be ordered instead with the credits that are there. */
import type { Draft } from "./draft";

/** The same order with another model, at that model's price. */
export type Offer = { model: string; name: string; countMax: number; credits: number };

export type Instead = { change: Partial<Draft>; words: string; credits: number };

/** The cheapest model that fits; else as many pictures of the cheapest one as there are credits for. */
export function affordable(
  offers: readonly Offer[],
  draft: Pick<Draft, "model" | "count">,
  available: number,
): Instead | null {
  const byPrice = [...offers].sort((a, b) => a.credits - b.credits);
  const fits = byPrice.find((offer) => offer.credits <= available && offer.countMax >= draft.count);
  if (fits) {
    return { change: { model: fits.model }, words: `Use ${fits.name}`, credits: fits.credits };
  }
  const [cheapest] = byPrice;
  if (!cheapest) return null;
  const each = cheapest.credits / Math.min(draft.count, cheapest.countMax);
  const count = Math.min(draft.count, cheapest.countMax, Math.floor(available / each));
  if (count < 1) return null;
  const where = cheapest.model === draft.model ? "" : ` with ${cheapest.name}`;
  return {
    change: { model: cheapest.model, count },
    words: `Make ${count}${where}`,
    credits: each * count,
  };
}
