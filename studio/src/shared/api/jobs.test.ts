import { type InfiniteData, QueryClient } from "@tanstack/react-query";
import { beforeEach, describe, expect, it } from "vitest";
import { admit, orderOf } from "./jobs";
import { keys } from "./keys";
import type { Job, JobPage } from "./types";

type Feed = InfiniteData<JobPage, string | null>;

const job = (minute: number): Job =>
  ({
    id: `job-${minute}`,
    status: "pending",
    attempts: 0,
    outputs: [],
    created_at: `2026-11-20T08:${String(minute).padStart(2, "0")}:00Z`,
  }) as unknown as Job;

const feedOf = (next: string | null, ...minutes: number[]): Feed => ({
  pages: [{ items: minutes.map(job), next_cursor: next } as unknown as JobPage],
  pageParams: [null],
});

const cache = new QueryClient();
const shown = () =>
  cache.getQueryData<Feed>(keys.feed)?.pages.flatMap((page) => page.items.map(({ id }) => id));

beforeEach(() => cache.clear());

describe("a new job", () => {
  it("stands where it was made, also when another was heard of first", () => {
    cache.setQueryData(keys.feed, feedOf("more", 40, 20));
    admit(cache, job(30));
    admit(cache, job(50));
    expect(shown()).toEqual(["job-50", "job-40", "job-30", "job-20"]);
  });

  it("is the last one only where everything is known", () => {
    cache.setQueryData(keys.feed, feedOf("more", 40));
    admit(cache, job(30));
    expect(shown()).toEqual(["job-40"]);
    cache.setQueryData(keys.feed, feedOf(null, 40));
    admit(cache, job(20));
    expect(shown()).toEqual(["job-40", "job-20"]);
  });

  it("stays when an answer comes that had been read before it", async () => {
    let answer = (_feed: Feed): void => undefined;
    cache.setQueryData(keys.feed, feedOf("more", 20));
    const read = cache.fetchQuery({
      queryKey: keys.feed,
      queryFn: () => new Promise<Feed>((resolve) => (answer = resolve)),
    });
    const live = cache.fetchQuery({ queryKey: keys.live, queryFn: async () => ["job-10"] });
    admit(cache, job(30));
    answer(feedOf("more", 25, 20));
    await Promise.all([read, live]);
    expect(shown()).toEqual(["job-30", "job-25", "job-20"]);
    expect(cache.getQueryData(keys.live)).toEqual(["job-30", "job-10"]);
  });
});

describe("an order once more", () => {
  const made = (parameters: object) =>
    ({ ...job(10), type: "image", model: "a", requested_model: "auto", parameters }) as Job;
  const exact = { width: 1200, height: 800, format: "png", steps: 4 };

  it("is as it was", () => {
    const order = orderOf(made({ ...exact, aspect_ratio: "3:2", resolution: "1K" }));
    expect(order.parameters).toEqual(exact);
    expect(order.model).toBe("auto");
  });

  it("asks another model for the shape: the rest it may not know", () => {
    const ratio = (parameters: object) => orderOf(made(parameters), { model: "b" }).parameters;
    expect(ratio({ ...exact, aspect_ratio: "3:2" })).toEqual({ aspect_ratio: "3:2" });
    expect(ratio(exact)).toEqual({ aspect_ratio: "150:100" });
  });
});
