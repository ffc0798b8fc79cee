/** How much is going on, on every page; and what, when asked. */
import { X } from "lucide-react";
import type { Followed } from "@/shared/api/follow";
import { progressOf } from "@/shared/api/follow";
import { useCancel, useLiveJobs } from "@/shared/api/jobs";
import { Bar } from "@/shared/ui/Bar";
import { IconButton } from "@/shared/ui/Button";
import { elapsed, inLine } from "@/shared/ui/format";
import { useNow } from "@/shared/ui/now";
import { Panel } from "@/shared/ui/Panel";
import pill from "@/shared/ui/pill.module.css";
import { stageNames } from "@/shared/ui/wording";
import styles from "./queue.module.css";
import { summary } from "./summary";

export function QueuePill() {
  const live = useLiveJobs();
  if (live.length === 0) return null;
  return (
    <Panel
      title="Running now"
      align="end"
      width={360}
      trigger={
        <button type="button" className={pill.pill}>
          <span className={styles.lamp} />
          {summary(live.map(({ job }) => job.status))}
        </button>
      }
    >
      <ul className={styles.list}>
        {live.map((followed) => (
          <Row key={followed.job.id} followed={followed} />
        ))}
      </ul>
    </Panel>
  );
}

function Row({ followed }: { followed: Followed }) {
  const { job } = followed;
  const cancel = useCancel();
  const now = useNow(true);
  const waits = job.status === "pending";
  const stage = !waits && job.stage ? stageNames[job.stage] : "Waiting";
  return (
    <li className={styles.row}>
      <p className={styles.prompt}>{job.prompt}</p>
      <p className={styles.state}>
        {waits && job.queue ? inLine(job.queue) : stage} ·{" "}
        {elapsed(now - Date.parse(job.started_at ?? job.created_at))}
      </p>
      <IconButton
        label={`Cancel “${job.prompt.slice(0, 60)}”`}
        className={styles.cancel}
        disabled={cancel.isPending}
        onClick={() => cancel.mutate(job.id)}
      >
        <X aria-hidden />
      </IconButton>
      <Bar label={stage} value={waits ? 0 : progressOf(followed)} />
    </li>
  );
}
