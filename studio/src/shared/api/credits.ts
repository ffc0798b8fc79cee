/** Credits: what there is to pay with, what became of it, and what one job has cost. */
import { type QueryClient, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { answered, api } from "./client";
import { keys } from "./keys";
import type { Balance } from "./types";

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
  return useInfiniteQuery({
    queryKey: keys.ledger,
    queryFn: async ({ pageParam, signal }) => {
      const query = { limit: LEDGER_PAGE, ...(pageParam ? { cursor: pageParam } : {}) };
      return answered(api.GET("/api/credits/ledger", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

export function useReceipt(id: string, ended: boolean) {
  return useQuery({
    queryKey: keys.receipt(id, ended),
    queryFn: ({ signal }) =>
      answered(api.GET("/api/jobs/{job_id}/receipt", { params: { path: { job_id: id } }, signal })),
  });
}
