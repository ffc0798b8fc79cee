/** What is attached to the prompt, how far it is, and whether the model can start from it. */
import { useQueryClient } from "@tanstack/react-query";
import { keys } from "@/shared/api/keys";
import type { Model } from "@/shared/api/types";
import type { Abilities, Sources } from "./draft";
import { useDroppedFiles } from "./drop";
import { misfit } from "./fits";
import { addFiles, idsOf, maskOf, useReferences } from "./references";

export function useAttached(models: readonly Model[], model: string, can: Abilities) {
  const cache = useQueryClient();
  const references = useReferences();
  const sources: Sources = { references: idsOf(references), mask: maskOf(references) };
  const wanted = { references: references.length, mask: sources.mask !== null };
  const attach = (files: readonly File[]) =>
    addFiles(files, (asset) => {
      cache.setQueryData(keys.asset(asset.id), asset);
      void cache.invalidateQueries({ queryKey: keys.allAssets });
    });
  return {
    references,
    sources,
    uploading: references.some(({ id, problem }) => id === null && problem === null),
    broken: references.some(({ problem }) => problem !== null),
    unfit: models.length > 0 ? misfit(models, model, can, wanted) : null,
    attach,
    dragging: useDroppedFiles(attach),
  };
}
