/** Models and styles: what can be chosen. */
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "./client";
import { keys } from "./keys";
import type { Model, Style } from "./types";

const rarelyChanges = 5 * 60_000;

export function useModels(): { models: readonly Model[]; loaded: boolean } {
  const { data } = useQuery({
    queryKey: keys.models,
    queryFn: ({ signal }) => answered(api.GET("/api/models", { signal })),
    staleTime: rarelyChanges,
  });
  return { models: data ?? [], loaded: data !== undefined };
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

/** The name people know a model by; an id that has left the catalogue stays readable. */
export const modelName = (models: readonly Model[], id: string): string =>
  models.find((model) => model.id === id)?.name ?? id;
