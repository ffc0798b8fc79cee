/** What the person should know about how it was made: the refined prompt, and what could not be honoured. */
import { Info } from "lucide-react";
import type { Job } from "@/shared/api/types";
import styles from "./turn.module.css";

export function Notes({ job }: { job: Job }) {
  const lines = [...job.adjustments, ...job.warnings];
  const refined =
    job.optimized_prompt && job.optimized_prompt !== job.prompt ? job.optimized_prompt : null;
  if (lines.length === 0 && !refined) return null;
  return (
    <div className={styles.notes}>
      {lines.map((line) => (
        <p key={line} className={styles.note}>
          <Info aria-hidden />
          {line}
        </p>
      ))}
      {refined && (
        <details className={styles.refined}>
          <summary>How it was put</summary>
          <p>{refined}</p>
        </details>
      )}
    </div>
  );
}
