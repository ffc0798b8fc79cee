/** Around every page: page titles, messages, the way to the login; and, once one is in, what is always there. */
import { Outlet, useMatches, useRouter, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { UNKNOWN_HERE } from "@/shared/api/client";
import { putAway } from "@/shared/api/session";
import { Toasts } from "@/shared/ui/toast";
import { Inside } from "./Inside";

/** Pages for people the server does not know: they ask for nothing that is somebody's. */
const doors: ReadonlySet<string> = new Set(["/login", "/register", "/reset"]);

export function Root() {
  const atDoor = useRouterState({ select: (state) => doors.has(state.location.pathname) });
  usePageTitle();
  useLoginWhenNeeded();
  useEffect(() => {
    if (atDoor) putAway();
  }, [atDoor]);
  return (
    <>
      {atDoor ? <Outlet /> : <Inside />}
      <Toasts />
    </>
  );
}

/** Somebody has to log in, and the login knows where to come back to. */
function useLoginWhenNeeded() {
  const router = useRouter();
  useEffect(() => {
    const leave = () => {
      const { pathname, href } = router.latestLocation;
      if (doors.has(pathname)) return;
      const back = href === "/" ? undefined : href;
      void router.navigate({ to: "/login", search: { back }, replace: true });
    };
    window.addEventListener(UNKNOWN_HERE, leave);
    return () => window.removeEventListener(UNKNOWN_HERE, leave);
  }, [router]);
}

/** A new page says its name in the title bar and takes the focus, as a loaded page would. */
function usePageTitle() {
  const title = useMatches().at(-1)?.staticData.title;
  const path = useRouterState({ select: (state) => state.resolvedLocation?.pathname });
  const first = useRef(true);
  useEffect(() => {
    document.title = title && title !== "Create" ? `${title} · Safelight` : "Safelight";
  }, [title]);
  useEffect(() => {
    if (!path) return;
    if (first.current) {
      first.current = false;
      return;
    }
    const active = document.activeElement;
    // A page that has put the focus somewhere itself knows better.
    if (!active || active === document.body || !document.querySelector("main")?.contains(active)) {
      document.querySelector("main")?.focus({ preventScroll: true });
    }
  }, [path]);
}
