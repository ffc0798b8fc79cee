/** What Send will cost, and whether there is enough for it. */
import { useBalance } from "@/shared/api/credits";
import { isVisitor, useMe } from "@/shared/api/me";
import type { JobIn } from "@/shared/api/types";
import { count, credits } from "@/shared/ui/format";
import styles from "./composer.module.css";
import type { Abilities, Draft } from "./draft";
import { useQuote } from "./quote";

type Props = { can: Abilities; draft: Draft; order: JobIn | null };

export function Cost({ can, draft, order }: Props) {
  const quote = useQuote(order);
  const balance = useBalance();
  const visitor = isVisitor(useMe());
  const [least, most] = can.price;
  const needed = quote?.price.credits ?? least * draft.count;
  const words = quote || least === most ? credits(needed) : `from ${credits(needed)}`;
  const short = !visitor && balance?.unlimited === false && needed > balance.available;
  return (
    <span className={styles.cost} data-short={short}>
      {words}
      {quote?.reuse && ", made before"}
      {short && `, you have ${count(balance.available)}`}
    </span>
  );
}
