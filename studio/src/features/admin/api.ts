/** What an administrator reads and does. */

import type { components } from "@gen/schema";
import {
  type InfiniteData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { answered, api } from "@/shared/api/client";
import { confirmed } from "@/shared/api/confirm";
import { keys } from "@/shared/api/keys";

type Schemas = components["schemas"];

export type Lane = Schemas["LaneView"];
export type Provider = Schemas["ProviderView"];
export type ModelFigures = Schemas["ModelView"];
export type Totals = Schemas["QueueTotals"];
export type Letter = Schemas["Letter"];
export type LetterDetail = Schemas["LetterDetail"];
export type Outcome = Schemas["LetterOutcome"];
export type Account = Schemas["AccountView"];
export type AccountChange = Schemas["AccountIn"];
export type Every = NonNullable<Schemas["AccountIn"]["allowance_every"]>;

export type LetterFilter = {
  state?: "replayed" | "discarded" | "all" | undefined;
  code?: string | undefined;
  provider?: string | undefined;
  model?: string | undefined;
};

const admin = {
  queue: ["admin", "queue"] as const,
  providers: ["admin", "providers"] as const,
  models: ["admin", "models"] as const,
  letters: ["admin", "letters"] as const,
  letter: (id: string) => ["admin", "letters", "one", id] as const,
  accounts: ["admin", "accounts"] as const,
};

/** Nothing tells these pages that something has changed; they ask while somebody looks. */
const SOON_MS = 2_000;
const LATER_MS = 10_000;

export const useQueue = () =>
  useQuery({
    queryKey: admin.queue,
    queryFn: ({ signal }) => answered(api.GET("/api/admin/queue", { signal })),
    refetchInterval: SOON_MS,
  });

export const useProviders = () =>
  useQuery({
    queryKey: admin.providers,
    queryFn: ({ signal }) => answered(api.GET("/api/admin/providers", { signal })),
    refetchInterval: LATER_MS,
  });

export const useModelFigures = () =>
  useQuery({
    queryKey: admin.models,
    queryFn: ({ signal }) => answered(api.GET("/api/admin/models", { signal })),
    refetchInterval: LATER_MS,
  });

export type Pause = { lane: string; seconds: number | null; why: string };

export function usePause() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ lane, seconds, why }: Pause) =>
      answered(
        api.POST("/api/admin/queue/{lane}/pause", {
          params: { path: { lane } },
          body: { seconds, why: why.trim() || null },
        }),
      ),
    onSettled: () => cache.invalidateQueries({ queryKey: admin.queue }),
  });
}

export function useResume() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (lane: string) =>
      answered(api.POST("/api/admin/queue/{lane}/resume", { params: { path: { lane } } })),
    onSettled: () => cache.invalidateQueries({ queryKey: admin.queue }),
  });
}

export function useLetters({ state, ...filter }: LetterFilter) {
  return useInfiniteQuery({
    queryKey: [...admin.letters, { state, ...filter }],
    queryFn: ({ pageParam, signal }) => {
      const query = {
        ...filter,
        state: state ?? ("open" as const),
        limit: 50,
        ...(pageParam ? { cursor: pageParam } : {}),
      };
      return answered(api.GET("/api/admin/dead-letters", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: LATER_MS,
  });
}

export const useLetter = (id: string) =>
  useQuery({
    queryKey: admin.letter(id),
    queryFn: ({ signal }) =>
      answered(
        api.GET("/api/admin/dead-letters/{job_id}", { params: { path: { job_id: id } }, signal }),
      ),
  });

/** As many as the server takes in one request. */
const AT_ONCE = 500;

export type Deed = "replay" | "discard";

/** One or many: each for itself, and each is told what became of it. */
export function useDeed() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async ({ deed, ids }: { deed: Deed; ids: readonly string[] }) => {
      const outcomes: Outcome[] = [];
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        const body = { ids: ids.slice(from, from + AT_ONCE) };
        const call =
          deed === "replay"
            ? api.POST("/api/admin/dead-letters/replay", { body })
            : api.POST("/api/admin/dead-letters/discard", { body });
        outcomes.push(...(await answered(call)).items);
      }
      return outcomes;
    },
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: admin.letters });
      void cache.invalidateQueries({ queryKey: admin.queue });
    },
  });
}

type AccountPages = InfiniteData<Schemas["AccountPage"], string | null>;

export const useAccounts = () =>
  useInfiniteQuery({
    queryKey: admin.accounts,
    queryFn: ({ pageParam, signal }) => {
      const query = { limit: 100, ...(pageParam ? { cursor: pageParam } : {}) };
      return answered(api.GET("/api/admin/accounts", { params: { query }, signal }));
    },
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
    refetchInterval: LATER_MS,
  });

function showAccount(cache: QueryClient, user: string, change: Partial<Account>): void {
  cache.setQueryData<AccountPages>(admin.accounts, (data) =>
    data
      ? {
          ...data,
          pages: data.pages.map((page) => ({
            ...page,
            items: page.items.map((one) => (one.user === user ? { ...one, ...change } : one)),
          })),
        }
      : data,
  );
}

/** It may be one's own account. */
function accountsChanged(cache: QueryClient) {
  void cache.invalidateQueries({ queryKey: admin.accounts });
  void cache.invalidateQueries({ queryKey: keys.credits });
}

export function useChangeAccount() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ user, change }: { user: string; change: AccountChange }) =>
      confirmed(() =>
        api.PUT("/api/admin/accounts/{user}", { params: { path: { user } }, body: change }),
      ),
    onSuccess: (account) => showAccount(cache, account.user, account),
    onSettled: () => accountsChanged(cache),
  });
}

export type Grant = Schemas["GrantIn"];

/** `isNew` is false where the reference is known: then nothing was given. */
export function useGrant() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: async (body: Grant) => {
      let status = 0;
      const granted = await confirmed(async () => {
        const answer = await api.POST("/api/admin/grants", { body });
        status = answer.response.status;
        return answer;
      });
      return { ...granted, isNew: status === 201 };
    },
    onSettled: () => accountsChanged(cache),
  });
}
