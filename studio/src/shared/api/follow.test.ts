import { describe, expect, it } from "vitest";
import { type Followed, fold, merge, progressOf } from "./follow";
import type { Job, OutputAsset, StudioEvent } from "./types";

const job = (change: Partial<Job> = {}): Job =>
  ({
    id: "j",
    type: "image",
    status: "processing",
    stage: "generating",
    progress: null,
    count: 2,
    attempts: 1,
    outputs: [],
    queue: null,
    ...change,
  }) as Job;

const asset = (url: string, minutes: number): OutputAsset =>
  ({
    id: "a",
    url,
    url_expires_at: new Date(Date.now() + minutes * 60_000).toISOString(),
  }) as OutputAsset;

const told = (known: Followed, ...events: object[]): Followed =>
  events.reduce<Followed>(
    (now, event) =>
      fold(now, { job_id: "j", status: "processing", ...event } as StudioEvent) ?? now,
    known,
  );

describe("merge", () => {
  it("does not go back to an answer that is older than the stream", () => {
    const live = merge(undefined, job());
    expect(merge(live, job({ status: "pending", stage: null, attempts: 0 }))).toBe(live);
  });

  it("keeps the address a picture was shown under while it is valid", () => {
    const done = (url: string, minutes: number) =>
      job({
        status: "completed",
        outputs: [
          {
            index: 0,
            status: "completed",
            asset: asset(url, minutes),
            text: null,
            error: null,
            removed: null,
          },
        ],
      });
    const kept = merge(merge(undefined, done("/1", 20)), done("/2", 30));
    expect(kept.job.outputs[0]?.asset?.url).toBe("/1");
    const renewed = merge(merge(undefined, done("/1", 0)), done("/2", 30));
    expect(renewed.job.outputs[0]?.asset?.url).toBe("/2");
  });

  it("goes back to waiting between two attempts, but not before the first", () => {
    const first = merge(undefined, job({ attempts: 1 }));
    const waits = job({ status: "pending", stage: null, attempts: 1 });
    expect(merge(first, waits).job.status).toBe("pending");
    const fresh = merge(undefined, job({ attempts: 0 }));
    expect(merge(fresh, job({ status: "pending", stage: null, attempts: 0 }))).toBe(fresh);
  });

  it("keeps the place in line that only the stream tells, until the job starts", () => {
    const pending = { status: "pending", stage: null, attempts: 0 } as const;
    const told = fold(merge(undefined, job(pending)), {
      type: "queue",
      job_id: "j",
      status: "pending",
      position: 3,
      eta_seconds: 12,
    });
    const listed = merge(told, job(pending));
    expect(listed.job.queue).toEqual({ position: 3, eta_seconds: 12 });
    expect(merge(listed, job()).job.queue).toBeNull();
  });

  it("forgets the previews when the job has ended", () => {
    const live = told(merge(undefined, job()), { type: "progress", index: 0, progress: 0.5 });
    expect(merge(live, job({ status: "completed" })).variants).toEqual({});
  });
});

describe("fold", () => {
  it("asks for a job it does not know", () => {
    const event = { type: "stage", job_id: "j", status: "processing", stage: "generating" };
    expect(fold(undefined, event as StudioEvent)).toBeUndefined();
  });

  it("takes no place in line for a job that has started", () => {
    const live = merge(undefined, job());
    const event = { type: "queue", job_id: "j", status: "pending", position: 1, eta_seconds: null };
    expect(fold(live, event as StudioEvent)).toBe(live);
  });

  it("keeps the last preview when a step comes without one", () => {
    const live = told(
      merge(undefined, job()),
      { type: "progress", index: 0, progress: 0.2, preview: "data:1" },
      { type: "progress", index: 0, progress: 0.4, preview: null },
    );
    expect(live.variants[0]).toMatchObject({ progress: 0.4, preview: "data:1" });
  });

  it("adds words to a text in the order they come", () => {
    const live = told(
      merge(undefined, job({ type: "text" })),
      { type: "delta", index: 0, text: "a long " },
      { type: "delta", index: 0, text: "hour" },
    );
    expect(live.variants[0]?.text).toBe("a long hour");
  });

  it("replaces an output instead of listing it twice", () => {
    const output = { type: "output", index: 1, asset: asset("/1", 20), text: null, error: null };
    const live = told(merge(undefined, job()), output, output);
    expect(live.job.outputs).toHaveLength(1);
  });

  it("leaves an ended job alone", () => {
    const ended = merge(undefined, job({ status: "cancelled" }));
    expect(told(ended, { type: "stage", stage: "uploading" })).toBe(ended);
  });
});

describe("progressOf", () => {
  it("is the mean over the pictures, a finished one counting whole", () => {
    const live = told(
      merge(undefined, job()),
      { type: "progress", index: 0, progress: 0.5 },
      { type: "output", index: 1, asset: asset("/1", 20), text: null, error: null },
    );
    expect(progressOf(live)).toBe(0.75);
  });

  it("says nothing where nobody knows", () => {
    expect(progressOf(merge(undefined, job()))).toBeNull();
  });
});
