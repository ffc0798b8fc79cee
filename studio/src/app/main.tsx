/** The page's entry: the cache, the router, the theme. */
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import "@/shared/ui/tokens.css";
import "@/shared/ui/base.css";
import { Trouble } from "@/shared/api/client";
import { followSystemTheme } from "@/shared/ui/theme";
import { makeRouter } from "./router";

const cache = new QueryClient({
  defaultOptions: {
    queries: {
      // The stream says what changed; coming back to a tab is no reason to ask for everything again.
      refetchOnWindowFocus: false,
      staleTime: 10_000,
      gcTime: 30 * 60_000,
      // What the server refused it will refuse again; what it could not hear is worth another try.
      retry: (failures, error) =>
        failures < 3 &&
        error instanceof Trouble &&
        (error.code === "unreachable" || error.code === "overloaded"),
    },
  },
});

followSystemTheme();

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={cache}>
      <RouterProvider router={makeRouter()} />
    </QueryClientProvider>
  </StrictMode>,
);
