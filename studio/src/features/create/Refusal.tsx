/** Under the composer: why the server did not take the order, and the way on. */
import { useQueries } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { Trouble } from "@/shared/api/client";
import { useBalance } from "@/shared/api/credits";
import { useMe } from "@/shared/api/me";
import type { Model } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { credits, moment } from "@/shared/ui/format";
import { wording } from "@/shared/ui/wording";
import { affordable, type Offer } from "./afford";
import styles from "./composer.module.css";
import { abilities, type Draft, orderFrom } from "./draft";
import { quoteOf } from "./quote";

const fieldNames: Record<string, string> = {
  negative_prompt: "Without",
  "parameters.seed": "Seed",
  "parameters.aspect_ratio": "Shape",
  "parameters.width": "Width",
  "parameters.height": "Height",
  count: "Number",
  model: "Model",
  style: "Style",
};

type Props = {
  trouble: Trouble;
  models: readonly Model[];
  kind: Model["kind"];
  draft: Draft;
  references: readonly string[];
  /** Send what is in the composer, with this change. */
  onSend: (change: Partial<Draft>) => void;
  onCancel: () => void;
};

export function Refusal({ trouble, onCancel, ...order }: Props) {
  // The prompt and the references have theirs in their own places.
  const others = trouble.fields.filter(({ field }) => !/^(prompt|references)/.test(field));
  if (trouble.fields.length > 0) {
    if (others.length === 0) return null;
    return (
      <div className={styles.refusal} role="alert">
        {others.map(({ field, message }) => (
          <p key={field}>
            <strong>{fieldNames[field] ?? field}</strong> {message}
          </p>
        ))}
      </div>
    );
  }
  switch (trouble.code) {
    case "insufficient_credits":
      return <Short trouble={trouble} {...order} />;
    case "rate_limited":
      return <Later trouble={trouble} onSend={() => order.onSend({})} onCancel={onCancel} />;
    default:
      return <Told trouble={trouble} />;
  }
}

function Told({ trouble, children }: { trouble: Trouble; children?: ReactNode }) {
  const { title, body } = wording(trouble.code, {
    detail: trouble.detail,
    requestId: trouble.requestId,
    retryAfterS: trouble.retryAfterS,
  });
  return (
    <div className={styles.refusal}>
      <p role="alert">
        <strong>{title}.</strong> {body}
      </p>
      {children}
    </div>
  );
}

type ShortProps = Omit<Props, "onCancel">;

/** Not enough credits: what would fit, and where more come from. */
function Short({ trouble, models, kind, draft, references, onSend }: ShortProps) {
  const balance = useBalance();
  const isAdmin = useMe()?.role === "admin";
  const offers = useOffers(models, kind, draft, references);
  const instead = balance && offers ? affordable(offers, draft, balance.available) : null;
  return (
    <Told trouble={trouble}>
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
    </Told>
  );
}

const OFFERS_MAX = 5;

const least = (model: Model): number => Math.min(...model.price.map((price) => price.credits));

/** The same order with each of the cheapest models; null until all of them have said their price. */
function useOffers(
  models: readonly Model[],
  kind: Model["kind"],
  draft: Draft,
  references: readonly string[],
): readonly Offer[] | null {
  const able = models
    .filter((model) => model.available && model.kind === kind)
    .filter((model) => model.capabilities.references_max >= references.length)
    .sort((a, b) => least(a) - least(b))
    .slice(0, OFFERS_MAX);
  const quotes = useQueries({
    queries: able.map((model) =>
      quoteOf(orderFrom({ ...draft, model: model.id }, abilities(models, model.id), references)),
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

type LaterProps = { trouble: Trouble; onSend: () => void; onCancel: () => void };

/** Too many at once: it waits here and goes by itself. */
function Later({ trouble, onSend, onCancel }: LaterProps) {
  const left = useCountdown(trouble.retryAfterS ?? 5, onSend);
  return (
    <Told trouble={trouble}>
      <p className={styles.ways}>
        {/* Read once with the sentence above; every second would be too often. */}
        <span role="timer">Your prompt is kept. Sent again in {left} s.</span>
        <Button look="outline" onClick={onCancel}>
          Don't send
        </Button>
      </p>
    </Told>
  );
}

function useCountdown(fromS: number, onEnd: () => void): number {
  const [ends] = useState(() => Date.now() + fromS * 1000);
  const [left, setLeft] = useState(fromS);
  const latest = useRef(onEnd);
  latest.current = onEnd;
  useEffect(() => {
    // By the clock: a hidden tab's timers are slow.
    const timer = window.setInterval(() => {
      const now = Math.ceil((ends - Date.now()) / 1000);
      setLeft(Math.max(0, now));
      if (now > 0) return;
      window.clearInterval(timer);
      latest.current();
    }, 500);
    return () => window.clearInterval(timer);
  }, [ends]);
  return left;
}
