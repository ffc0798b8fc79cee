/** What an order would cost, by the server's word: it knows the sizes, the routing, and what was made before. */
import { keepPreviousData, queryOptions, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { answered, api } from "@/shared/api/client";
import type { JobIn, Quote } from "@/shared/api/types";

const PAUSE_MS = 400;

export const quoteOf = (order: JobIn) =>
  queryOptions({
    queryKey: ["quote", order],
    queryFn: async ({ signal }) => {
      const params = { query: { dry_run: true } };
      // The same address answers a job when asked in earnest, which this is not.
      return (await answered(api.POST("/api/jobs", { params, body: order, signal }))) as Quote;
    },
    staleTime: 10_000,
    gcTime: 60_000,
    retry: false,
  });

/** Of the order as it stands when the writing pauses; null while there is none. */
export function useQuote(order: JobIn | null): Quote | null {
  const settled = useSettled(order);
  const quoted = useQuery({
    ...quoteOf(settled ?? { prompt: "" }),
    enabled: settled !== null,
    placeholderData: keepPreviousData,
  });
  return settled !== null && !quoted.isError ? (quoted.data ?? null) : null;
}

function useSettled(order: JobIn | null): JobIn | null {
  const [settled, setSettled] = useState<string | null>(null);
  const now = order && JSON.stringify(order);
  useEffect(() => {
    const timer = window.setTimeout(() => setSettled(now), now === null ? 0 : PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [now]);
  return settled === null ? null : (JSON.parse(settled) as JobIn);
}
