/** What can be done without being logged in. */

import type { components } from "@gen/schema";
import { useMutation } from "@tanstack/react-query";
import { answered, api } from "@/shared/api/client";

type Schemas = components["schemas"];

export const useLogin = () =>
  useMutation({
    mutationFn: (body: Schemas["LoginIn"]) => answered(api.POST("/api/auth/login", { body })),
  });

export const useRegister = () =>
  useMutation({
    mutationFn: (body: Schemas["RegisterIn"]) => answered(api.POST("/api/auth/register", { body })),
  });

export const useReset = () =>
  useMutation({
    mutationFn: (body: Schemas["ResetIn"]) => answered(api.POST("/api/auth/reset", { body })),
  });

/** In: the page starts over, so that nothing of whoever was here before is in it. */
export const goOn = (back: string) => window.location.replace(back);
