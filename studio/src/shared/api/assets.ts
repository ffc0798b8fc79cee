/** Pictures: the gallery's pages, one picture's facts, stars, deleting and taking that back. */
import {
  type InfiniteData,
  type QueryClient,
  useInfiniteQuery,
  useMutation,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { answered, api } from "./client";
import { keys } from "./keys";
import type { Asset, AssetDetail, AssetFilter, AssetPage } from "./types";

/** A picture, with its relatives once it has been asked for by itself. */
export type Pictured = Asset & Partial<Pick<AssetDetail, "parents" | "children">>;

type Pages = InfiniteData<AssetPage, string | null>;

const PAGE = 100;

export function useAssets(filter: AssetFilter) {
  return useInfiniteQuery({
    queryKey: keys.assets(filter),
    queryFn: ({ pageParam, signal }) =>
      answered(
        api.GET("/api/assets", {
          params: {
            query: { ...filter, limit: PAGE, ...(pageParam ? { cursor: pageParam } : {}) },
          },
          signal,
        }),
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next_cursor,
  });
}

function inPages(cache: QueryClient, id: string): Asset | undefined {
  for (const [, data] of cache.getQueriesData<Pages>({ queryKey: keys.allAssets })) {
    for (const page of data?.pages ?? []) {
      const found = page.items.find((asset) => asset.id === id);
      if (found) return found;
    }
  }
  return undefined;
}

export function useAsset(id: string, enabled = true) {
  const cache = useQueryClient();
  return useQuery({
    enabled,
    queryKey: keys.asset(id),
    queryFn: ({ signal }): Promise<Pictured> =>
      answered(api.GET("/api/assets/{asset_id}", { params: { path: { asset_id: id } }, signal })),
    // From the gallery it is there at once; a deep link asks.
    initialData: (): Pictured | undefined => inPages(cache, id),
    initialDataUpdatedAt: 0,
    staleTime: 60_000,
    structuralSharing: (before, after) =>
      keepAddress(before as Pictured | undefined, after as Pictured),
  });
}

/** A new signature is a new download: keep the address while it is valid. */
function keepAddress(before: Pictured | undefined, after: Pictured): Pictured {
  if (!before || before.id !== after.id) return after;
  if (Date.parse(before.url_expires_at) < Date.now() + 60_000) return after;
  const { url, url_expires_at, thumbnails } = before;
  return { ...after, url, url_expires_at, thumbnails };
}

function patchPages(cache: QueryClient, change: (items: Asset[]) => Asset[]): void {
  cache.setQueriesData<Pages>({ queryKey: keys.allAssets }, (data) =>
    data
      ? { ...data, pages: data.pages.map((page) => ({ ...page, items: change(page.items) })) }
      : data,
  );
}

export function useStar() {
  const cache = useQueryClient();
  const show = (id: string, starred: boolean) => {
    patchPages(cache, (items) => items.map((one) => (one.id === id ? { ...one, starred } : one)));
    cache.setQueryData<Asset>(keys.asset(id), (one) => (one ? { ...one, starred } : one));
  };
  return useMutation({
    mutationFn: ({ id, starred }: { id: string; starred: boolean }) =>
      answered(
        api.PATCH("/api/assets/{asset_id}", {
          params: { path: { asset_id: id } },
          body: { starred },
        }),
      ),
    onMutate: ({ id, starred }) => show(id, starred),
    onError: (_error, { id, starred }) => show(id, !starred),
    // The walls that are in sight stay as they are; others may have one picture more or less.
    onSettled: () => cache.invalidateQueries({ queryKey: keys.allAssets, refetchType: "none" }),
  });
}

export function useDeleteAsset() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answered(api.DELETE("/api/assets/{asset_id}", { params: { path: { asset_id: id } } })),
    onMutate: (id) => patchPages(cache, (items) => items.filter((one) => one.id !== id)),
    onSettled: (_asset, _error, id) => {
      void cache.invalidateQueries({ queryKey: keys.allAssets });
      void cache.invalidateQueries({ queryKey: keys.asset(id), refetchType: "none" });
    },
  });
}

export function useRestoreAsset() {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      answered(api.POST("/api/assets/{asset_id}/restore", { params: { path: { asset_id: id } } })),
    onSettled: () => cache.invalidateQueries({ queryKey: keys.allAssets }),
  });
}
