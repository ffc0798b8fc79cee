import type { Job } from "@/shared/api/types";
import { wording } from "@/shared/ui/wording";
import { factsOf } from "./facts";
import styles from "./turn.module.css";

/** What happened, and about the money. What to do is offered below the frame. */
export function Failure({ job, model }: { job: Job; model: string }) {
  const { title, body } = wording(job.error?.code ?? "cancelled", factsOf(job, model));
  return (
    <div className={styles.failure}>
      <p className={styles.what}>{title}</p>
      <p className={styles.why}>{body}</p>
      {job.error?.provider_message && (
        <details className={styles.said}>
          <summary>What the provider said</summary>
          <p>{job.error.provider_message}</p>
        </details>
      )}
    </div>
  );
}
