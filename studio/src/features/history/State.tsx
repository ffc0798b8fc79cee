/** A job's state as a sign and a word: colour alone would not say it. */
import { Ban, Check, CircleDashed, LoaderCircle, X } from "lucide-react";
import type { ComponentType } from "react";
import type { Job, JobStatus } from "@/shared/api/types";
import { stageNames } from "@/shared/ui/wording";
import styles from "./history.module.css";

export const stateNames: Record<JobStatus, string> = {
  pending: "Waiting",
  processing: "Running",
  completed: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
};

const signs: Record<JobStatus, ComponentType<{ "aria-hidden": true }>> = {
  pending: CircleDashed,
  processing: LoaderCircle,
  completed: Check,
  failed: X,
  cancelled: Ban,
};

export function State({ job }: { job: Job }) {
  const Sign = signs[job.status];
  const stage = job.status === "processing" && job.stage ? stageNames[job.stage] : null;
  return (
    <span className={styles.state} data-state={job.status}>
      <Sign aria-hidden />
      {stage ?? stateNames[job.status]}
    </span>
  );
}
