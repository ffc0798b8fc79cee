/** Not enough credits: what would fit, and where more come from. */
import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useBalance } from "@/shared/api/credits";
import { useMe } from "@/shared/api/me";
import type { Model } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { credits, moment } from "@/shared/ui/format";
import { affordable, type Offer } from "./afford";
import styles from "./composer.module.css";
import { abilities, type Draft, orderFrom, type Sources } from "./draft";
import { takes } from "./fits";
import { quoteOf } from "./quote";
import type { Refused } from "./Refusal";

export function Affordable({ models, kind, draft, sources, onSend }: Refused) {
  const balance = useBalance();
  const isAdmin = useMe()?.role === "admin";
  const offers = useOffers(models, kind, draft, sources);
  const instead = balance && offers ? affordable(offers, draft, balance.available) : null;
  return (
    <p className={styles.ways}>
      {instead && (
        <Button look="outline" onClick={() => onSend(instead.change)}>
          {instead.words} ({credits(instead.credits)})
        </Button>
      )}
      {balance?.allowance && <span>More on {moment(balance.allowance.next_at)}.</span>}
      {isAdmin ? (
        <Link to="/admin/accounts">Grant credits</Link>
      ) : (
        <span>Whoever runs this server can give you more.</span>
      )}
      <Link to="/credits">Your entries</Link>
    </p>
  );
}

const OFFERS_MAX = 5;

const least = (model: Model): number => Math.min(...model.price.map((price) => price.credits));

/** The same order with each of the cheapest models; null until all of them have said their price. */
function useOffers(
  models: readonly Model[],
  kind: Model["kind"],
  draft: Draft,
  sources: Sources,
): readonly Offer[] | null {
  const able = models
    .filter((model) => model.available && model.kind === kind)
    .filter((model) =>
      takes(model, { references: sources.references.length, mask: sources.mask !== null }),
    )
    .sort((a, b) => least(a) - least(b))
    .slice(0, OFFERS_MAX);
  const quotes = useQueries({
    queries: able.map((model) =>
      quoteOf(orderFrom({ ...draft, model: model.id }, abilities(models, model.id), sources)),
    ),
  });
  if (quotes.some((quote) => quote.isPending)) return null;
  return able.flatMap((model, i) => {
    const price = quotes[i]?.data?.price.credits;
    if (price === undefined) return [];
    const countMax = model.capabilities.count_max;
    return { model: model.id, name: model.name, countMax, credits: price };
  });
}
