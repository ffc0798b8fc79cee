/** What one job looks like after one more line of its stream. Pure, so that it can be tested. */
import { isEnded, type Job, type Place, type Stage, type StudioEvent } from "./types";

/** How far one picture or text of a job is. */
export type Variant = {
  progress: number | null;
  step: number | null;
  steps: number | null;
  preview: string | null;
  text: string;
};

export type Followed = { job: Job; variants: Readonly<Record<number, Variant>> };

const blank: Variant = { progress: null, step: null, steps: null, preview: null, text: "" };

const stageOrder: Record<Stage, number> = {
  understanding: 0,
  refining_prompt: 1,
  generating: 2,
  uploading: 3,
  finalizing: 4,
};

/** Larger is later. The answer to a submit can arrive after the stream's first lines about it. */
function lateness(job: Job): readonly number[] {
  return [
    isEnded(job.status) ? 1 : 0,
    job.attempts,
    // Before its first attempt it waits for that; afterwards, for the next one.
    job.status !== "pending" ? 1 : job.attempts === 0 ? 0 : 2,
    job.stage ? stageOrder[job.stage] : -1,
    job.outputs.filter((output) => output.status !== "pending").length,
  ];
}

function isOlder(job: Job, than: Job): boolean {
  const [a, b] = [lateness(job), lateness(than)];
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}

/** Keep the address a picture was first shown under while it is valid: a new signature is a new download. */
function withKnownAddresses(job: Job, known: Job): Job {
  const soon = Date.now() + 60_000;
  const outputs = job.outputs.map((output) => {
    const before = known.outputs.find((one) => one.index === output.index)?.asset;
    const same = before && output.asset && before.id === output.asset.id;
    return same && Date.parse(before.url_expires_at) > soon ? { ...output, asset: before } : output;
  });
  return { ...job, outputs };
}

/** Take in a whole job, from an answer or a snapshot. */
export function merge(known: Followed | undefined, job: Job): Followed {
  if (known && isOlder(job, known.job)) return known;
  const variants: Record<number, Variant> = isEnded(job.status) ? {} : { ...known?.variants };
  for (const output of job.outputs) {
    if (output.text)
      variants[output.index] = { ...(variants[output.index] ?? blank), text: output.text };
  }
  return {
    job: known ? withKnownPlace(withKnownAddresses(job, known.job), known.job) : job,
    variants,
  };
}

/** Lists and snapshots do not say where a job stands; the stream does, and only when that changes. */
function withKnownPlace(job: Job, known: Job): Job {
  const same = job.status === "pending" && known.status === "pending";
  return same && !job.queue ? { ...job, queue: known.queue } : job;
}

/** Undefined: the event is about a job nobody has seen yet, so fetch it. */
export function fold(known: Followed | undefined, event: StudioEvent): Followed | undefined {
  switch (event.type) {
    case "snapshot":
    case "completed":
    case "failed":
    case "cancelled":
      return merge(known, event.job);
    case "reconnect":
    case "credits":
      return known;
    case "queue":
      // Of a job that has started meanwhile it is no news.
      return known?.job.status === "pending"
        ? { ...known, job: { ...known.job, queue: placeOf(event) } }
        : known;
  }
  if (!known || isEnded(known.job.status)) return known;
  const job: Job = { ...known.job, status: event.status };
  switch (event.type) {
    case "stage":
      // A new attempt starts over: what an earlier one had drawn is gone.
      return {
        job: { ...job, stage: event.stage, progress: null, queue: null },
        variants: event.stage === "generating" ? {} : known.variants,
      };
    case "progress":
      return {
        job,
        variants: changed(known, event.index, (variant) => ({
          ...variant,
          progress: event.progress,
          step: event.step,
          steps: event.steps,
          // A line without a picture must not take the last one away.
          preview: event.preview ?? variant.preview,
        })),
      };
    case "delta":
      return {
        job,
        variants: changed(known, event.index, (variant) => ({
          ...variant,
          text: variant.text + event.text,
        })),
      };
    case "output": {
      const { index, asset, text, error } = event;
      const status = error ? "failed" : "completed";
      const others = job.outputs.filter((output) => output.index !== index);
      const output = { index, status, asset, text, error, removed: null } as const;
      const outputs = [...others, output].sort((a, b) => a.index - b.index);
      return { job: { ...job, outputs }, variants: known.variants };
    }
  }
}

const placeOf = ({ position, eta_seconds }: Place): Place => ({ position, eta_seconds });

function changed(known: Followed, index: number, change: (variant: Variant) => Variant) {
  return { ...known.variants, [index]: change(known.variants[index] ?? blank) };
}

/** One number for the bar: the mean over the pictures that are being made. */
export function progressOf({ job, variants }: Followed): number | null {
  if (isEnded(job.status)) return 1;
  if (job.stage !== "generating" && job.stage !== "uploading") return job.progress;
  const known = Array.from({ length: job.count }, (_, index) => {
    if (job.outputs.some((output) => output.index === index && output.status !== "pending"))
      return 1;
    return variants[index]?.progress ?? null;
  });
  if (known.every((value) => value === null)) return job.progress;
  return known.reduce<number>((sum, value) => sum + (value ?? 0), 0) / job.count;
}
