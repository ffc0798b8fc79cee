/** A job's story, line by line, with what is worth copying. */
import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Copy, PenLine } from "lucide-react";
import { refresh, useJobEvents } from "@/shared/api/jobs";
import { isEnded, type Job } from "@/shared/api/types";
import { Button, buttonClass } from "@/shared/ui/Button";
import { copy } from "@/shared/ui/clipboard";
import { duration } from "@/shared/ui/format";
import { Picture } from "@/shared/ui/Picture";
import { Receipt } from "@/shared/ui/Receipt";
import { tell } from "@/shared/ui/story";
import { wording } from "@/shared/ui/wording";
import styles from "./history.module.css";

export function Details({ job, model }: { job: Job; model: string }) {
  const cache = useQueryClient();
  const events = useJobEvents(job.id, !isEnded(job.status));
  const assets = job.outputs.flatMap((output) => output.asset ?? []);
  const refined =
    job.optimized_prompt && job.optimized_prompt !== job.prompt ? job.optimized_prompt : null;
  const failure =
    job.error &&
    wording(job.error.code, {
      model,
      detail: job.error.detail,
      attempts: job.attempts,
      charged: job.charged?.credits ?? 0,
      finished: assets.length,
      count: job.count,
      requestId: job.id,
    });
  const began = Date.parse(job.created_at);
  return (
    <div className={styles.details}>
      <div className={styles.told}>
        {failure && (
          <p className={styles.failure}>
            <strong>{failure.title}.</strong> {failure.body}
          </p>
        )}
        <p className={styles.whole}>{job.prompt}</p>
        {refined && (
          <p className={styles.refined}>
            <span>How it was put</span>
            {refined}
          </p>
        )}
        {job.outputs.map((output) =>
          output.text ? (
            <p key={output.index} className={styles.text}>
              {output.text}
            </p>
          ) : null,
        )}
        {assets.length > 0 && (
          <ul className={styles.pictures}>
            {assets.map((asset, i) => (
              <li key={asset.id}>
                <Link
                  to="/i/$id"
                  params={{ id: asset.id }}
                  search={{}}
                  aria-label={`Open picture ${i + 1} of ${assets.length}`}
                  style={{ aspectRatio: asset.width / asset.height }}
                >
                  <Picture asset={asset} sizes="160px" onExpired={() => refresh(cache, job.id)} />
                </Link>
              </li>
            ))}
          </ul>
        )}
        <p className={styles.does}>
          <Link to="/" search={{ prompt: job.prompt }} className={buttonClass("outline")}>
            <PenLine aria-hidden />
            Use this prompt
          </Link>
          <Button onClick={() => copy(job.id, "Job id")}>
            <Copy aria-hidden />
            Copy job id
          </Button>
        </p>
      </div>
      <div className={styles.told}>
        <section aria-label="Receipt">
          <Receipt job={job} />
        </section>
        {events.isError && (
          <p className={styles.quiet}>The events could not be loaded. {events.error.message}</p>
        )}
        <ol className={styles.story} aria-label="What happened">
          {(events.data ?? []).map((event) => {
            const line = tell(event);
            if (!line) return null;
            return (
              <li key={event.id} data-kind={line.kind}>
                <span className={styles.when}>
                  +{duration(Math.max(0, Date.parse(event.at) - began))}
                </span>
                <span>
                  {line.what}
                  {line.more && <span className={styles.quiet}> {line.more}</span>}
                </span>
              </li>
            );
          })}
        </ol>
      </div>
    </div>
  );
}
