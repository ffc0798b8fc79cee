/** What the person should know about how it was made: the refined prompt, and what could not be honoured. */
import { Info } from "lucide-react";
import type { Job } from "@/shared/api/types";
import styles from "./turn.module.css";

export function Notes({ job }: { job: Job }) {
  const lines = [...job.adjustments, ...job.warnings];
  const refined = job.optimized_prompt && job.optimized_prompt !== job.prompt ? job.optimized_prompt : null;
  const why = job.requested_model === "auto" ? job.model_reason : null;
  if (lines.length === 0 && !refined && !why) return null;
  return (
    <div className={styles.notes}>
      {lines.map((line) => (
        <p key={line} className={styles.note}>
          <Info aria-hidden />
          {line}
        </p>
      ))}
      {(refined || why) && (
        <details className={styles.refined}>
          <summary>{refined ? "How it was put" : "Why this model"}</summary>
          {refined && <p>{refined}</p>}
          {why && <p className={styles.reason}>{why}</p>}
        </details>
      )}
    </div>
  );
}
