/** Jobs: reading, submitting, cancelling. The query cache holds each job once, under its id. */
import {
  type InfiniteData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQueries,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { answered, api } from "./client";
import { type Followed, merge } from "./follow";
import { keys } from "./keys";
import { freshKey } from "./random";
import {
  isEnded,
  type Job,
  type JobFilter,
  type JobIn,
  type JobPage,
  type JobStatus,
} from "./types";

/** What a window shows and a little more: index.html asks for as many, and a slow phone draws them at once. */
const FEED_FIRST = 6;
const FEED_PAGE = 12;
const HISTORY_PAGE = 40;

type Feed = InfiniteData<JobPage, string | null>;

export function remember(cache: QueryClient, job: Job): void {
  cache.setQueryData<Followed>(keys.job(job.id), (known) => merge(known, job));
}

export const fetchJob = (id: string): Promise<Job> =>
  answered(api.GET("/api/jobs/{job_id}", { params: { path: { job_id: id } } }));

/** Fetch a job again for what has expired in it. While the server is gone nothing happens. */
export function refresh(cache: QueryClient, id: string): void {
  fetchJob(id).then(
    (job) => remember(cache, job),
    () => undefined,
  );
}

/** A page of jobs, each of them remembered under its id. */
export async function rememberPage(
  cache: QueryClient,
  filter: JobFilter,
  limit: number,
  cursor: string | null,
  signal: AbortSignal,
): Promise<JobPage> {
  const { status, ...rest } = filter;
  const query = {
    ...rest,
    limit,
    ...(status ? { status: [status] } : {}),
    ...(cursor ? { cursor } : {}),
  };
  const page = await answered(api.GET("/api/jobs", { params: { query }, signal }));
  for (const job of page.items) remember(cache, job);
  return page;
}

function usePages(key: readonly unknown[], filter: JobFilter, limit: number, first = limit) {
  const cache = useQueryClient();
  return useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      rememberPage(cache, filter, pageParam ? limit : first, pageParam, signal),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** Newest first; Create shows it the other way round. */
export const useFeed = () => usePages(keys.feed, {}, FEED_PAGE, FEED_FIRST);

export const useHistory = (filter: JobFilter) =>
  usePages(keys.history(filter), filter, HISTORY_PAGE);

/** A job somebody asks for by its number. The stream keeps it as it is. */
export const jobQuery = (id: string) => ({
  queryKey: keys.job(id),
  queryFn: async (): Promise<Followed> => merge(undefined, await fetchJob(id)),
  staleTime: Number.POSITIVE_INFINITY,
});

/** The job as the stream last told it, or as the list had it. */
export function useFollowed(job: Job): Followed {
  const cache = useQueryClient();
  return useQuery({
    queryKey: keys.job(job.id),
    queryFn: async () => merge(cache.getQueryData(keys.job(job.id)), await fetchJob(job.id)),
    initialData: () => merge(undefined, job),
    staleTime: Number.POSITIVE_INFINITY,
  }).data;
}

/** Ids of everything that has not ended, newest first. */
export function useLive(): readonly string[] {
  const cache = useQueryClient();
  return (
    useQuery({
      queryKey: keys.live,
      queryFn: async ({ signal }) => {
        const query = { status: ["processing", "pending"] as JobStatus[], limit: 100 };
        const page = await answered(api.GET("/api/jobs", { params: { query }, signal }));
        for (const job of page.items) remember(cache, job);
        return page.items.map((job) => job.id);
      },
    }).data ?? []
  );
}

/** What is known of each of them, as the stream tells it. */
export function useLiveJobs(): readonly Followed[] {
  const cache = useQueryClient();
  const live = useLive();
  return useQueries({
    queries: live.map((id) => ({
      queryKey: keys.job(id),
      queryFn: async () => merge(cache.getQueryData(keys.job(id)), await fetchJob(id)),
      staleTime: Number.POSITIVE_INFINITY,
    })),
    combine: (known) => known.flatMap(({ data }) => data ?? []).filter(goesOn),
  });
}

const goesOn = ({ job }: Followed): boolean => !isEnded(job.status);

/** A job that was not there before: in its place in what Create shows and, while it runs, in the queue. */
export function admit(cache: QueryClient, job: Job): void {
  remember(cache, job);
  intoList(cache, keys.feed, () =>
    cache.setQueryData<Feed>(keys.feed, (feed) => feed && withJob(feed, job)),
  );
  intoList(cache, keys.live, () => {
    const known = cache.getQueryData<Followed>(keys.job(job.id));
    if (!known || !goesOn(known)) return;
    cache.setQueryData<string[]>(keys.live, (live = []) =>
      live.includes(job.id) ? live : [job.id, ...live],
    );
  });
  void cache.invalidateQueries({ queryKey: keys.histories });
}

/** An answer that is on its way may have been read before the job was there, and replaces the list: put it in again. */
function intoList(cache: QueryClient, queryKey: readonly unknown[], put: () => void): void {
  put();
  cache.getQueryCache().find({ queryKey })?.promise?.then(put, put);
}

function withJob(feed: Feed, job: Job): Feed {
  if (feed.pages.some((page) => page.items.some((one) => one.id === job.id))) return feed;
  const at = feed.pages.findIndex(
    ({ items, next_cursor }) =>
      !next_cursor || items.some((one) => one.created_at <= job.created_at),
  );
  // The stream's first snapshots may be about jobs older than what was read: those are not news.
  if (at < 0) return feed;
  const pages = feed.pages.map((page, i) =>
    i === at ? { ...page, items: [job, ...page.items].sort(newestFirst) } : page,
  );
  return { ...feed, pages };
}

const newestFirst = (a: Job, b: Job): number =>
  a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0;

export function useSubmit() {
  const cache = useQueryClient();
  return useMutation({
    // The key is made where the person presses send, so that a repeat of the same press is the same job.
    mutationFn: async ({ order, key }: { order: JobIn; key: string }) => {
      const header = { "idempotency-key": key };
      // The same address answers a quote when asked for a dry run, which this is not.
      return (await answered(api.POST("/api/jobs", { params: { header }, body: order }))) as Job;
    },
    onSuccess: (job) => admit(cache, job),
  });
}

export function useRetry() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answered(api.POST("/api/jobs/{job_id}/retry", { params: { path: { job_id: id } } })),
    onSuccess: (job) => admit(cache, job),
  });
}

export function useCancel() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answered(api.DELETE("/api/jobs/{job_id}", { params: { path: { job_id: id } } })),
    onSuccess: (job) => remember(cache, job),
    // "Already finished" is not news worth a message; what it finished as is.
    onError: (_error, id) => void cache.invalidateQueries({ queryKey: keys.job(id) }),
  });
}

/** The same order once more, and this time really made. */
export function orderOf(job: Job, change: Partial<JobIn> = {}): JobIn {
  const { width, height, aspect_ratio, resolution: _, ...others } = job.parameters;
  // The server filled in both; it takes either the exact size or the ratio.
  const exact = width && height;
  const ratio = aspect_ratio ?? (exact ? `${Math.ceil((100 * width) / height)}:100` : null);
  const size = exact ? { ...others, width, height } : { ...others, aspect_ratio };
  // Another model has sizes, formats and settings of its own: what it is asked for is the shape.
  const image = change.model && change.model !== job.model ? { aspect_ratio: ratio } : size;
  return {
    prompt: job.prompt,
    type: job.type,
    model: job.requested_model,
    style: job.style,
    enhance: job.enhance,
    negative_prompt: job.negative_prompt,
    priority: job.priority,
    count: job.count,
    parameters: job.type === "image" ? image : others,
    references: job.references,
    mask: job.mask,
    ...change,
  };
}

export const newOrder = (order: JobIn): { order: JobIn; key: string } => ({
  order,
  key: freshKey(),
});

export function useJobEvents(id: string, live: boolean) {
  return useQuery({
    queryKey: keys.jobEvents(id),
    queryFn: ({ signal }) =>
      answered(api.GET("/api/jobs/{job_id}/events", { params: { path: { job_id: id } }, signal })),
    refetchInterval: live ? 2000 : false,
  });
}
