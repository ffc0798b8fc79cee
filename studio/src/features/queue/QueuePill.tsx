/** How much is going on, on every page; and what, when asked. */
import { useQueryClient } from "@tanstack/react-query";
import { X } from "lucide-react";
import type { Followed } from "@/shared/api/follow";
import { progressOf } from "@/shared/api/follow";
import { useCancel, useFollowed, useLive } from "@/shared/api/jobs";
import { keys } from "@/shared/api/keys";
import type { Job } from "@/shared/api/types";
import { Bar } from "@/shared/ui/Bar";
import { IconButton } from "@/shared/ui/Button";
import { elapsed } from "@/shared/ui/format";
import { useNow } from "@/shared/ui/now";
import { Panel } from "@/shared/ui/Panel";
import { stageNames } from "@/shared/ui/wording";
import styles from "./queue.module.css";

export function QueuePill() {
  const live = useLive();
  const cache = useQueryClient();
  const jobs = live.flatMap((id) => cache.getQueryData<Followed>(keys.job(id))?.job ?? []);
  if (jobs.length === 0) return null;
  return (
    <Panel
      title="Running now"
      align="end"
      width={360}
      trigger={
        <button type="button" className={styles.pill}>
          <span className={styles.lamp} />
          {jobs.length} running
        </button>
      }
    >
      <ul className={styles.list}>
        {jobs.map((job) => (
          <Row key={job.id} seed={job} />
        ))}
      </ul>
    </Panel>
  );
}

function Row({ seed }: { seed: Job }) {
  const followed = useFollowed(seed);
  const { job } = followed;
  const cancel = useCancel();
  const now = useNow(true);
  const stage = job.stage ? stageNames[job.stage] : "Waiting";
  return (
    <li className={styles.row}>
      <p className={styles.prompt}>{job.prompt}</p>
      <p className={styles.state}>
        {stage} · {elapsed(now - Date.parse(job.started_at ?? job.created_at))}
      </p>
      <IconButton
        label={`Cancel “${job.prompt.slice(0, 60)}”`}
        className={styles.cancel}
        disabled={cancel.isPending}
        onClick={() => cancel.mutate(job.id)}
      >
        <X aria-hidden />
      </IconButton>
      <Bar label={stage} value={job.status === "pending" ? 0 : progressOf(followed)} />
    </li>
  );
}
