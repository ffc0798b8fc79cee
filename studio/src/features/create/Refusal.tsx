/** Under the composer: why the server did not take the order. */
import { useEffect, useState } from "react";
import type { Trouble } from "@/shared/api/client";
import { wording } from "@/shared/ui/wording";
import styles from "./composer.module.css";

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

export function Refusal({ trouble }: { trouble: Trouble }) {
  const left = useCountdown(trouble.retryAfterS);
  const others = trouble.fields.filter((field) => field.field !== "prompt");
  const onlyFields = trouble.fields.length > 0;
  const { title, body } = wording(trouble.code, {
    detail: trouble.detail,
    requestId: trouble.requestId,
    retryAfterS: left,
  });
  if (onlyFields && others.length === 0) return null;
  return (
    <div className={styles.refusal} role="alert">
      {onlyFields ? (
        others.map(({ field, message }) => (
          <p key={field}>
            <strong>{fieldNames[field] ?? field}</strong> {message}
          </p>
        ))
      ) : (
        <p>
          <strong>{title}.</strong> {body}
        </p>
      )}
    </div>
  );
}

function useCountdown(fromS: number | null): number | null {
  const [left, setLeft] = useState(fromS);
  useEffect(() => {
    if (fromS === null) return;
    const timer = window.setInterval(
      () => setLeft((now) => (now && now > 1 ? now - 1 : null)),
      1000,
    );
    return () => window.clearInterval(timer);
  }, [fromS]);
  return left;
}
