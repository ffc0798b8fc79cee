/** Who may use this server, as its administrators see and change it. */
import type { components } from "@gen/schema";
import { type QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { answered, api } from "@/shared/api/client";
import { confirmed } from "@/shared/api/confirm";
import { useMe } from "@/shared/api/me";

type Schemas = components["schemas"];

export type User = Schemas["UserView"];
export type UserChange = Schemas["UserChange"];
export type Invite = Schemas["Invite"];
export type InviteIn = Schemas["InviteIn"];

const names = {
  users: ["admin", "users"] as const,
  invites: ["admin", "invites"] as const,
  accounts: ["admin", "accounts"] as const,
};

/** By their ids. `settled`: all that will be known about them is. */
export function useUsers(): { users: ReadonlyMap<string, User> | undefined; settled: boolean } {
  const me = useMe();
  const { data, isFetched } = useQuery({
    queryKey: names.users,
    queryFn: ({ signal }) => answered(api.GET("/api/admin/users", { signal })),
    enabled: me?.accounts === true,
    select: byId,
  });
  return { users: data, settled: me !== undefined && (!me.accounts || isFetched) };
}

const byId = (users: readonly User[]): ReadonlyMap<string, User> =>
  new Map(users.map((user) => [user.id, user]));

function peopleChanged(cache: QueryClient): void {
  void cache.invalidateQueries({ queryKey: names.users });
  void cache.invalidateQueries({ queryKey: names.accounts });
}

const pathOf = (user: string) => ({ params: { path: { user } } });
const pathOfId = (user_id: string) => ({ params: { path: { user_id } } });

export function useChangeUser() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ user, change }: { user: string; change: UserChange }) =>
      confirmed(() => api.PATCH("/api/admin/users/{user}", { ...pathOf(user), body: change })),
    onSettled: () => peopleChanged(cache),
  });
}

export function useDeleteUser() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (user: string) =>
      confirmed(() => api.DELETE("/api/admin/users/{user_id}", pathOfId(user))),
    onSettled: () => peopleChanged(cache),
  });
}

export function useRestoreUser() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (user: string) =>
      confirmed(() => api.POST("/api/admin/users/{user_id}/restore", pathOfId(user))),
    onSettled: () => peopleChanged(cache),
  });
}

export const useMakeReset = () =>
  useMutation({
    mutationFn: (user: string) =>
      confirmed(() => api.POST("/api/admin/users/{user}/reset", pathOf(user))),
    // The link is shown this once.
    gcTime: 0,
  });

export const useInvites = () =>
  useQuery({
    queryKey: names.invites,
    queryFn: ({ signal }) => answered(api.GET("/api/admin/invites", { signal })),
  });

export function useMakeInvite() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (body: InviteIn) => confirmed(() => api.POST("/api/admin/invites", { body })),
    onSuccess: () => cache.invalidateQueries({ queryKey: names.invites }),
    gcTime: 0,
  });
}

export function useTakeBackInvite() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      confirmed(() =>
        api.DELETE("/api/admin/invites/{invite_id}", { params: { path: { invite_id: id } } }),
      ),
    onSettled: () => cache.invalidateQueries({ queryKey: names.invites }),
  });
}
