/** One job as a row, and its story below it when opened. */
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronDown, RotateCcw, X } from "lucide-react";
import { memo, useState } from "react";
import { modelName } from "@/shared/api/catalogue";
import { complaint } from "@/shared/api/client";
import { refresh, useCancel, useFollowed, useRetry } from "@/shared/api/jobs";
import { isEnded, type Job, type Model } from "@/shared/api/types";
import { IconButton } from "@/shared/ui/Button";
import { duration, moment, size } from "@/shared/ui/format";
import { Picture } from "@/shared/ui/Picture";
import { impression } from "@/shared/ui/thumbhash";
import { toast } from "@/shared/ui/toast";
import { Details } from "./Details";
import styles from "./history.module.css";
import { State } from "./State";

type Props = { seed: Job; models: readonly Model[]; initiallyOpen: boolean };

export const JobRows = memo(function JobRows({ seed, models, initiallyOpen }: Props) {
  const { job } = useFollowed(seed);
  const [open, setOpen] = useState(initiallyOpen);
  const cancel = useCancel();
  const retry = useRetry();
  const complain = (error: Error) => toast(complaint(error));
  const about = `“${job.prompt.slice(0, 60)}”`;
  return (
    <>
      <tr className={styles.row} data-open={open} data-job={job.id}>
        <td className={styles.stateCell}>
          <State job={job} />
        </td>
        <td className={styles.promptCell}>
          <div className={styles.prompt}>
            <Thumb job={job} />
            <button
              type="button"
              className={styles.words}
              aria-expanded={open}
              onClick={() => setOpen(!open)}
            >
              {job.prompt}
            </button>
          </div>
        </td>
        <td className={styles.model}>{modelName(models, job.model)}</td>
        <td className={styles.size}>
          {job.type === "image" ? size(job.parameters.width, job.parameters.height) : "Text"}
        </td>
        <td className={styles.number} data-label="Time">
          {job.duration_ms === null ? "" : job.reused ? "reused" : duration(job.duration_ms)}
        </td>
        <td className={styles.number} data-label="Credits">
          {job.charged ? job.charged.credits : ""}
        </td>
        <td className={styles.number} data-label="Created">
          <time dateTime={job.created_at}>{moment(job.created_at)}</time>
        </td>
        <td className={styles.actions}>
          {!isEnded(job.status) && (
            <IconButton
              label={`Cancel ${about}`}
              disabled={cancel.isPending}
              onClick={() => cancel.mutate(job.id, { onError: complain })}
            >
              <X aria-hidden />
            </IconButton>
          )}
          {(job.status === "failed" || job.status === "cancelled") && (
            <IconButton
              label={`Try again ${about}`}
              disabled={retry.isPending}
              onClick={() =>
                retry.mutate(job.id, {
                  onError: complain,
                  onSuccess: () => toast("Sent again, as a new job"),
                })
              }
            >
              <RotateCcw aria-hidden />
            </IconButton>
          )}
          <IconButton
            label={open ? `Close ${about}` : `Open ${about}`}
            className={styles.chevron}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            <ChevronDown aria-hidden />
          </IconButton>
        </td>
      </tr>
      {open && (
        <tr className={styles.detailRow}>
          <td colSpan={8}>
            <Details job={job} model={modelName(models, job.model)} />
          </td>
        </tr>
      )}
    </>
  );
});

function Thumb({ job }: { job: Job }) {
  const cache = useQueryClient();
  const asset = job.outputs.find((output) => output.asset)?.asset;
  if (!asset) return <span className={styles.thumb} />;
  const under = impression(asset.thumbhash);
  return (
    <Link
      to="/i/$id"
      params={{ id: asset.id }}
      search={{}}
      className={styles.thumb}
      data-count={job.count > 1 ? job.count : undefined}
      aria-label={`Open the picture of “${job.prompt.slice(0, 80)}”`}
      style={under ? { backgroundImage: `url(${under})` } : undefined}
    >
      <Picture asset={asset} sizes="40px" onExpired={() => refresh(cache, job.id)} />
    </Link>
  );
}
