/** Credits: what there is to pay with, what became of it, and what one job has cost. */
import {
  type QueryClient,
  useInfiniteQuery,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { answered, api } from "./client";
import type { Followed } from "./follow";
import { rememberPage } from "./jobs";
import { keys } from "./keys";
import type { Balance, LedgerLine } from "./types";

const LEDGER_PAGE = 50;

export function useBalance(): Balance | undefined {
  return useQuery({
    queryKey: keys.balance,
    queryFn: ({ signal }) => answered(api.GET("/api/credits", { signal })),
    // What somebody else grants is not on the stream of one's own jobs.
    staleTime: 30_000,
    refetchOnWindowFocus: true,
  }).data;
}

/** What the stream says the account has now: no question needed. */
export function takeBalance(
  cache: QueryClient,
  { available, held }: Pick<Balance, "available" | "held">,
): void {
  cache.setQueryData<Balance>(keys.balance, (known) => known && { ...known, available, held });
}

/**
 * After a burst of news: once, all that is on screen about credits. Two jobs that end at one moment can be told
 * in the other order, and an answer that was on its way may be older than what the stream said.
 */
export function settleBalance(cache: QueryClient): void {
  void cache.invalidateQueries({ queryKey: keys.credits });
}

/** What was used lately: all that an unlimited account can be told. Asked when somebody looks. */
export function useSpent(enabled: boolean) {
  return useQuery({
    queryKey: keys.spent,
    queryFn: ({ signal }) =>
      answered(api.GET("/api/stats", { params: { query: { days: "30" } }, signal })),
    enabled,
  }).data;
}

export function useLedger() {
  const cache = useQueryClient();
  return useInfiniteQuery({
    queryKey: keys.ledger,
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: LEDGER_PAGE, ...(pageParam ? { cursor: pageParam } : {}) };
      const page = await answered(api.GET("/api/credits/ledger", { params: { query }, signal }));
      await nameJobs(cache, page.items, signal);
      return page;
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

/** One question brings the prompts of most jobs of a page; who is missing goes by its number. */
async function nameJobs(
  cache: QueryClient,
  lines: readonly LedgerLine[],
  signal: AbortSignal,
): Promise<void> {
  const unknown = lines.find((line) => line.job_id && !promptOf(cache, line.job_id));
  if (!unknown) return;
  const to = new Date(Date.parse(unknown.at) + 1000).toISOString();
  await rememberPage(cache, { to }, 100, null, signal).catch(() => undefined);
}

export const promptOf = (cache: QueryClient, id: string): string | undefined =>
  cache.getQueryData<Followed>(keys.job(id))?.job.prompt;

export function useReceipt(id: string, ended: boolean) {
  return useQuery({
    queryKey: keys.receipt(id, ended),
    queryFn: ({ signal }) =>
      answered(api.GET("/api/jobs/{job_id}/receipt", { params: { path: { job_id: id } }, signal })),
  });
}
