/** The line under a job that has ended: its facts, and what one may want next. */
import { Copy, Download, ImagePlus, PenLine, RotateCcw, Shuffle } from "lucide-react";
import { takesReferences } from "@/shared/api/catalogue";
import { complaint } from "@/shared/api/client";
import { newOrder, orderOf, useRetry, useSubmit } from "@/shared/api/jobs";
import type { Job, JobIn, Model } from "@/shared/api/types";
import { Button, buttonClass, IconButton } from "@/shared/ui/Button";
import { copy } from "@/shared/ui/clipboard";
import { credits, duration, size } from "@/shared/ui/format";
import { toast } from "@/shared/ui/toast";
import { wording } from "@/shared/ui/wording";
import { factsOf } from "./facts";
import { otherModel } from "./otherModel";
import { startFrom } from "./references";
import styles from "./turn.module.css";

type Props = { job: Job; models: readonly Model[]; model: string; onEdit: (job: Job) => void };

const sent = () => window.dispatchEvent(new Event("safelight:sent"));

export function Actions({ job, models, model, onEdit }: Props) {
  const submit = useSubmit();
  const retry = useRetry();
  const made = job.outputs.filter((output) => output.asset || output.text);
  const ways =
    job.status === "completed"
      ? []
      : wording(job.error?.code ?? "cancelled", factsOf(job, model)).ways;
  const other = ways.includes("other_model") ? otherModel(models, job) : undefined;
  // One of several is chosen at its frame.
  const pictures = job.outputs.flatMap((output) => output.asset ?? []);
  const only = job.count === 1 ? pictures[0] : undefined;
  const complain = (error: Error) => toast(complaint(error));

  const again = (change: Partial<JobIn>) => {
    sent();
    // A new picture needs a new seed: with the old one the model would draw the same again.
    const order = orderOf(job, { reuse: "never", ...change });
    if (order.parameters) delete order.parameters.seed;
    submit.mutate(newOrder(order), { onError: complain });
  };

  return (
    <div className={`${styles.below} ${styles.ended}`}>
      <p className={styles.meta}>
        {metaOf(job, model).map(([name, fact]) => (
          <span key={name} data-fact={name}>
            {fact}
          </span>
        ))}
      </p>
      <div className={styles.actions}>
        {ways.includes("retry") && (
          <Button
            look="outline"
            disabled={retry.isPending}
            onClick={() => {
              sent();
              retry.mutate(job.id, { onError: complain });
            }}
          >
            <RotateCcw aria-hidden />
            {job.status === "cancelled" ? "Run again" : "Try again"}
          </Button>
        )}
        {other && (
          <Button
            look="outline"
            disabled={submit.isPending}
            onClick={() => again({ model: other.id })}
          >
            Use {other.name}
          </Button>
        )}
        {ways.includes("copy") && (
          <Button
            onClick={() =>
              copy(JSON.stringify({ job: job.id, error: job.error }, null, 2), "Details")
            }
          >
            <Copy aria-hidden />
            Copy details
          </Button>
        )}
        {made.length > 0 && job.status === "completed" && (
          <Button disabled={submit.isPending} onClick={() => again({})}>
            <Shuffle aria-hidden />
            {job.reused ? "Make a new one" : "Make another"}
          </Button>
        )}
        {only && takesReferences(models) && (
          <IconButton label="Use as reference" onClick={() => startFrom(only.id)}>
            <ImagePlus aria-hidden />
          </IconButton>
        )}
        <Downloads job={job} />
        {ways.includes("edit") ? (
          <Button look="outline" onClick={() => onEdit(job)}>
            <PenLine aria-hidden />
            Edit prompt
          </Button>
        ) : (
          <IconButton label="Copy prompt" onClick={() => copy(job.prompt, "Prompt")}>
            <Copy aria-hidden />
          </IconButton>
        )}
      </div>
    </div>
  );
}

function Downloads({ job }: { job: Job }) {
  const assets = job.outputs.flatMap((output) => output.asset ?? []);
  const [first] = assets;
  if (!first) return null;
  if (assets.length === 1) {
    return (
      <a
        className={buttonClass("plain", "dense", true)}
        aria-label="Download"
        title="Download"
        href={first.url}
        download={fileName(job, 0)}
      >
        <Download aria-hidden />
      </a>
    );
  }
  const all = () => {
    for (const [i, asset] of assets.entries()) {
      const link = document.createElement("a");
      link.href = asset.url;
      link.download = fileName(job, i);
      link.click();
    }
  };
  return (
    <Button onClick={all}>
      <Download aria-hidden />
      Download {assets.length}
    </Button>
  );
}

function fileName(job: Job, index: number): string {
  const words = job.prompt
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .slice(0, 48);
  return `${words.replace(/^-|-$/g, "") || "picture"}-${index + 1}`;
}

/** What is told below a job, by its name, in the order in which it is read. */
function metaOf(job: Job, model: string): [string, string][] {
  const { width, height, seed } = job.parameters;
  const used = seed ?? job.outputs.find((output) => output.asset)?.asset?.seed;
  const facts: [string, string | null][] = [
    ["model", model],
    ["size", job.type === "image" ? size(width, height) : null],
    ["seed", used === null || used === undefined || job.count > 1 ? null : `seed ${used}`],
    ["time", job.duration_ms === null || job.reused ? null : duration(job.duration_ms)],
    ["reuse", job.reused ? `Reused, ${credits(job.charged?.credits ?? 0)}` : null],
    [
      "cost",
      !job.reused && job.charged && (job.status === "completed" || job.charged.credits > 0)
        ? credits(job.charged.credits)
        : null,
    ],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}
