/** The line under a job that runs: what is happening, for how long, and the way out. */
import { type Followed, progressOf } from "@/shared/api/follow";
import { useCancel } from "@/shared/api/jobs";
import { Bar } from "@/shared/ui/Bar";
import { Button } from "@/shared/ui/Button";
import { elapsed, inLine } from "@/shared/ui/format";
import { useNow } from "@/shared/ui/now";
import { stageNames } from "@/shared/ui/wording";
import styles from "./turn.module.css";

export function Waiting({ followed, model }: { followed: Followed; model: string }) {
  const { job, variants } = followed;
  const cancel = useCancel();
  const now = useNow(true);
  const stage =
    job.status !== "pending" && job.stage ? stageNames[job.stage] : "Waiting for its turn";
  const step = Object.values(variants).find((variant) => variant.step && variant.steps);
  const since = Date.parse(job.started_at ?? job.created_at);
  return (
    <div className={styles.waiting}>
      <Bar label={stage} value={job.status === "pending" ? 0 : progressOf(followed)} />
      <div className={styles.below}>
        <p className={styles.stage}>
          <strong>{stage}</strong>
          {job.stage === "generating" && step && job.count === 1 && (
            <span>
              step {step.step} of {step.steps}
            </span>
          )}
          {/* A picture says it in its frame. */}
          {job.type === "text" && job.status === "pending" && job.queue && (
            <span>{inLine(job.queue)}</span>
          )}
          <span>{model}</span>
          <span>{elapsed(now - since)}</span>
        </p>
        <Button onClick={() => cancel.mutate(job.id)} disabled={cancel.isPending}>
          Cancel
        </Button>
      </div>
    </div>
  );
}
