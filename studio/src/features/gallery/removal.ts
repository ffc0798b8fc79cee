import { useDeleteAsset, useRestoreAsset } from "@/shared/api/assets";
import type { Asset } from "@/shared/api/types";
import { toast } from "@/shared/ui/toast";

const UNDO_MS = 10_000;

/** Delete at once, and ten seconds to take it back. */
export function useRemoval() {
  const remove = useDeleteAsset();
  const restore = useRestoreAsset();
  return (asset: Asset) =>
    remove.mutate(asset.id, {
      onSuccess: () =>
        toast("Picture deleted", { label: "Undo", act: () => restore.mutate(asset.id) }, UNDO_MS),
      onError: (error) => toast(`Not deleted. ${error.message}`),
    });
}
