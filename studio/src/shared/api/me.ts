/** Who is looking, and whether they run this server. */
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "./client";
import { keys } from "./keys";
import type { Me } from "./types";

export function useMe(): Me | undefined {
  return useQuery({
    queryKey: keys.me,
    queryFn: ({ signal }) => answered(api.GET("/api/me", { signal })),
    staleTime: Number.POSITIVE_INFINITY,
  }).data;
}
