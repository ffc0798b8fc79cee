/** What is offered in front of the studio; readable without a login. */
import { useQuery } from "@tanstack/react-query";
import { answered, api } from "./client";
import type { LoginOptions } from "./types";

export const useOptions = () =>
  useQuery({
    queryKey: ["door"],
    queryFn: ({ signal }): Promise<LoginOptions> =>
      answered(api.GET("/api/auth/options", { signal })),
  });

/** Another site's name as it is written in a sentence. */
export const spelled = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
