import { useDeleteAsset, useRestoreAsset } from "@/shared/api/assets";
import type { Asset } from "@/shared/api/types";
import { toast } from "@/shared/ui/toast";

const UNDO_MS = 10_000;

/** Delete at once, and ten seconds to take it back. */
export function useRemoval() {
  const remove = useDeleteAsset();
  const restore = useRestoreAsset();
  const undo = (id: string) =>
    restore.mutateAsync(id).catch((error: Error) => toast(`Not restored. ${error.message}`));
  // By its promise: a picture that is deleted where it was looked at takes the page along, and what is handed to
  // `mutate` with it.
  return (asset: Asset) =>
    void remove.mutateAsync(asset.id).then(
      () => toast("Picture deleted", { label: "Undo", act: () => void undo(asset.id) }, UNDO_MS),
      (error: Error) => toast(`Not deleted. ${error.message}`),
    );
}
