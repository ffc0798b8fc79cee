/** Models and styles: what can be chosen. */
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "./client";
import { keys } from "./keys";
import type { Model, Style } from "./types";

const rarelyChanges = 5 * 60_000;

type Models = { models: readonly Model[]; loaded: boolean; problem: string | null };

export function useModels(): Models {
  const { data, error } = useQuery({
    queryKey: keys.models,
    queryFn: ({ signal }) => answered(api.GET("/api/models", { signal })),
    staleTime: rarelyChanges,
  });
  const problem = error && !data ? `The models could not be loaded. ${error.message}` : null;
  return { models: data ?? [], loaded: data !== undefined, problem };
}

export function useStyles(): readonly Style[] {
  return (
    useQuery({
      queryKey: keys.styles,
      queryFn: ({ signal }) => answered(api.GET("/api/styles", { signal })),
      staleTime: rarelyChanges,
    }).data ?? []
  );
}

/** Whether any model that can be used starts from pictures: if none, nothing offers to. */
export const takesReferences = (models: readonly Model[]): boolean =>
  models.some((model) => model.available && model.capabilities.references_max > 0);

/** The name people know a model by; an id that has left the catalogue stays readable. */
export const modelName = (models: readonly Model[], id: string): string =>
  models.find((model) => model.id === id)?.name ?? id;
