/** Who is looking, and whether they run this server. */
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "./client";
import { keys } from "./keys";
import type { Me } from "./types";

export const meQuery = {
  queryKey: keys.me,
  queryFn: ({ signal }: { signal: AbortSignal }) => answered(api.GET("/api/me", { signal })),
  staleTime: Number.POSITIVE_INFINITY,
};

export const useMe = (): Me | undefined => useQuery(meQuery).data;

/**
 * Visitors are given credits as they order, out of a share their address has: what their account holds at the
 * moment says nothing about what they can order.
 */
export const isVisitor = (me: Me | undefined): boolean => me?.kind === "visitor";
