/** One's own account: sessions, the password, the end of it. */

import type { components } from "@gen/schema";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "@/shared/api/client";
import { confirmed } from "@/shared/api/confirm";
import { keys } from "@/shared/api/keys";
import { forget } from "@/shared/api/session";

type Schemas = components["schemas"];

export type Session = Schemas["Session"];

const sessions = ["sessions"] as const;

export const useSessions = () =>
  useQuery({
    queryKey: sessions,
    queryFn: ({ signal }) => answered(api.GET("/api/auth/sessions", { signal })),
  });

export function useEndSession() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answered(
        api.DELETE("/api/auth/sessions/{session_id}", { params: { path: { session_id: id } } }),
      ),
    onSettled: () => cache.invalidateQueries({ queryKey: sessions }),
  });
}

/** Here too: the page goes to the login by itself. */
export const useEndAllSessions = () =>
  useMutation({
    mutationFn: () => answered(api.DELETE("/api/auth/sessions")),
    onSuccess: leave,
  });

export function useChangePassword() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["PasswordIn"]) => answered(api.POST("/api/auth/password", { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: sessions }),
  });
}

export const useDeleteMe = () =>
  useMutation({
    mutationFn: (confirm: string) => confirmed(() => api.DELETE("/api/me", { body: { confirm } })),
    onSuccess: leave,
  });

/** What an account that is asked about again has changed in: how full it is. */
export function useFreshMe() {
  const cache = useQueryClient();
  return () => void cache.invalidateQueries({ queryKey: keys.me });
}

function leave(): void {
  forget();
  window.location.replace("/login");
}
