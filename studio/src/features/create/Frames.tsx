/** The pictures of one job. Their place is known from the moment the server accepts it, and never changes. */

import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ImagePlus } from "lucide-react";
import type { CSSProperties } from "react";
import { takesReferences, useModels } from "@/shared/api/catalogue";
import type { Followed, Variant } from "@/shared/api/follow";
import { refresh } from "@/shared/api/jobs";
import { isEnded, type Job, type Output } from "@/shared/api/types";
import { inLine } from "@/shared/ui/format";
import { useNarrow } from "@/shared/ui/media";
import { Picture } from "@/shared/ui/Picture";
import { leavePlace } from "@/shared/ui/place";
import { impression } from "@/shared/ui/thumbhash";
import { wording } from "@/shared/ui/wording";
import { Failure } from "./Failure";
import { factsOf } from "./facts";
import styles from "./frames.module.css";
import { startFrom } from "./references";

type Props = { followed: Followed; model: string; eager: boolean };

export function Frames({ followed: { job, variants }, model, eager }: Props) {
  const { width, height } = shape(job);
  const slots = Array.from({ length: Math.max(1, job.count) }, (_, index) => index);
  const nothing = job.outputs.every((output) => !output.asset);
  const lost = (job.status === "failed" || job.status === "cancelled") && nothing;
  const place = {
    "--ratio": width / height,
    "--count": Math.min(4, slots.length),
  } as CSSProperties;
  return (
    <div className={`${styles.row} ${slots.length > 1 ? styles.several : ""}`} style={place}>
      {slots.map((index) => (
        <Frame
          key={index}
          job={job}
          index={index}
          output={job.outputs.find((output) => output.index === index)}
          variant={variants[index]}
          model={model}
          eager={eager}
          quiet={lost}
        />
      ))}
      {lost && (
        <div className={styles.lost}>
          <Failure job={job} model={model} />
        </div>
      )}
      {job.status === "pending" && job.queue && <p className={styles.place}>{inLine(job.queue)}</p>}
    </div>
  );
}

function shape(job: Job): { width: number; height: number } {
  const { width, height } = job.parameters;
  if (width && height) return { width, height };
  const asset = job.outputs.find((output) => output.asset)?.asset;
  return asset ?? { width: 1, height: 1 };
}

type FrameProps = {
  job: Job;
  index: number;
  output: Output | undefined;
  variant: Variant | undefined;
  model: string;
  eager: boolean;
  quiet: boolean;
};

function Frame({ job, index, output, variant, model, eager, quiet }: FrameProps) {
  const cache = useQueryClient();
  const narrow = useNarrow();
  const { models } = useModels();
  const asset = output?.asset;
  const waiting = !isEnded(job.status) && !asset && !output?.error;
  const error = output?.error ?? (isEnded(job.status) && !asset ? job.error : null);
  // What is told of the whole job counts what was delivered and charged; of one picture, that it was not.
  const told =
    error &&
    wording(
      error.code,
      output?.error ? { model, detail: error.detail, attempts: job.attempts } : factsOf(job, model),
    );
  const under = impression(asset?.thumbhash) ?? variant?.preview ?? undefined;
  const label = `Picture ${index + 1} of ${job.count}`;
  return (
    <div className={`${styles.frame} ${waiting ? styles.waiting : ""}`}>
      {under && <img className={styles.under} src={under} alt="" decoding="async" />}
      {asset && (
        <Link
          to="/i/$id"
          params={{ id: asset.id }}
          search={{}}
          className={styles.open}
          aria-label={`Open ${label.toLowerCase()}: ${job.prompt.slice(0, 100)}`}
          data-asset={asset.id}
          onClick={() => leavePlace("create", asset.id)}
        >
          <Picture
            asset={asset}
            sizes={
              job.count > 1 ? "(max-width: 640px) 46vw, 400px" : "(max-width: 640px) 92vw, 640px"
            }
            eager={eager}
            original={!narrow}
            onExpired={() => refresh(cache, job.id)}
          />
        </Link>
      )}
      {asset && job.count > 1 && isEnded(job.status) && takesReferences(models) && (
        <button
          type="button"
          className={styles.use}
          aria-label={`Use ${label.toLowerCase()} as reference`}
          title="Use as reference"
          onClick={() => startFrom(asset.id)}
        >
          <ImagePlus aria-hidden />
        </button>
      )}
      {output?.removed && (
        <div className={styles.failed}>
          <strong>{output.removed === "purged" ? "Deleted for good" : "Deleted"}</strong>
        </div>
      )}
      {told && !asset && !quiet && (
        <div className={styles.failed}>
          <strong>{told.title}</strong>
          <span>{told.body}</span>
        </div>
      )}
    </div>
  );
}
