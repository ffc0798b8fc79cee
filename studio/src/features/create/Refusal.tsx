/** Under the composer: why the server did not take the order, and the way on. */
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from "react";
import type { Trouble } from "@/shared/api/client";
import type { Model } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { part } from "@/shared/ui/part";
import { wording } from "@/shared/ui/wording";
import styles from "./composer.module.css";
import type { Draft, Sources } from "./draft";

// Not part of the first view: fetched when credits are short.
const Affordable = lazy(
  part(() => import("./Affordable").then((module) => ({ default: module.Affordable }))),
);

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

export type Refused = {
  models: readonly Model[];
  kind: Model["kind"];
  draft: Draft;
  sources: Sources;
  /** Send what is in the composer, with this change. */
  onSend: (change: Partial<Draft>) => void;
};

type Props = Refused & { trouble: Trouble; onCancel: () => void };

export function Refusal({ trouble, onCancel, ...order }: Props) {
  // The prompt and the references have theirs in their own places.
  const others = trouble.fields.filter(({ field }) => !/^(prompt|references|mask)/.test(field));
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
      return (
        <Told trouble={trouble}>
          <Suspense fallback={<p className={styles.ways} />}>
            <Affordable {...order} />
          </Suspense>
        </Told>
      );
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
