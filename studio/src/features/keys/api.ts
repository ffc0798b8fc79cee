/** The keys of programs: listed, made, revoked. */
import type { components } from "@gen/schema";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "@/shared/api/client";
import { confirmed } from "@/shared/api/confirm";

type Schemas = components["schemas"];

export type Key = Schemas["Key"];
export type NewKey = Schemas["NewKey"];
export type KeyIn = Schemas["KeyIn"];
export type Scope = NonNullable<KeyIn["scopes"]>[number];

const all = ["keys"] as const;

export const useKeys = () =>
  useQuery({
    queryKey: all,
    queryFn: ({ signal }) => answered(api.GET("/api/keys", { signal })),
  });

export function useCreateKey() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: KeyIn) => confirmed(() => api.POST("/api/keys", { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: all }),
    // The answer has the key in it, which is shown once: nothing keeps it behind the page's back.
    gcTime: 0,
  });
}

export function useRevokeKey() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      confirmed(() => api.DELETE("/api/keys/{key_id}", { params: { path: { key_id: id } } })),
    onSettled: () => cache.invalidateQueries({ queryKey: all }),
  });
}
