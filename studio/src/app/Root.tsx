/** Around every page: the stream, what is read aloud, messages, page titles, keys that work anywhere. */
import { Outlet, useMatches, useNavigate, useRouterState } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from "react";
import { useCancel, useLive } from "@/shared/api/jobs";
import { type Announce, useStream } from "@/shared/api/live";
import { useShortcuts } from "@/shared/ui/shortcuts";
import { Toasts } from "@/shared/ui/toast";
import { sentence } from "./announce";
import styles from "./root.module.css";

const Help = lazy(() => import("./Help").then((module) => ({ default: module.Help })));

export function Root() {
  const [said, setSaid] = useState("");
  const announce = useCallback<Announce>((before, after) => {
    const words = sentence(before, after);
    if (words) setSaid(words);
  }, []);
  const stream = useStream(announce);
  const [help, setHelp] = useState(false);

  usePageTitle();
  useGlobalKeys(() => setHelp(true));
  useEffect(() => {
    const open = () => setHelp(true);
    window.addEventListener("safelight:help", open);
    return () => window.removeEventListener("safelight:help", open);
  }, []);

  return (
    <>
      <Outlet />
      <p className="hidden-visually" role="status">
        {said}
      </p>
      {stream === "lost" && (
        <p className={styles.lost} role="status">
          Reconnecting, jobs go on without you
        </p>
      )}
      <Toasts />
      {help && (
        <Suspense>
          <Help onClose={() => setHelp(false)} />
        </Suspense>
      )}
    </>
  );
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

function useGlobalKeys(openHelp: () => void) {
  const navigate = useNavigate();
  const live = useLive();
  const cancel = useCancel();
  const toPrompt = async () => {
    await navigate({ to: "/" });
    document.getElementById("prompt")?.focus();
  };
  useShortcuts({
    "/": toPrompt,
    "?": openHelp,
    "g c": toPrompt,
    "g g": () => navigate({ to: "/gallery" }),
    "g h": () => navigate({ to: "/history" }),
    "Shift+X": () => {
      const newest = live[0];
      if (newest) cancel.mutate(newest);
    },
  });
}
