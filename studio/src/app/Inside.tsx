/** What is there on every page of somebody who is in: the stream, what is read aloud, keys that work anywhere. */
import { useQuery } from "@tanstack/react-query";
import { Outlet, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { Trouble } from "@/shared/api/client";
import { useCancel, useLive } from "@/shared/api/jobs";
import { type Announce, useStream } from "@/shared/api/live";
import { meQuery } from "@/shared/api/me";
import { onOtherPerson, takeUp } from "@/shared/api/session";
import { part } from "@/shared/ui/part";
import { useShortcuts } from "@/shared/ui/shortcuts";
import { sentence } from "./announce";
import { Confirming } from "./Confirming";
import { KeptOut } from "./Lost";
import styles from "./root.module.css";

const Help = lazy(part(() => import("./Help").then((module) => ({ default: module.Help }))));

export function Inside() {
  const [said, setSaid] = useState("");
  const announce = useCallback<Announce>((before, after) => {
    const words = sentence(before, after);
    if (words) setSaid(words);
  }, []);
  const stream = useStream(announce);
  const [help, setHelp] = useState(false);
  const refused = useOnePerson();

  useGlobalKeys(() => setHelp(true));
  useEffect(() => {
    const open = () => setHelp(true);
    window.addEventListener("safelight:help", open);
    return () => window.removeEventListener("safelight:help", open);
  }, []);

  if (refused) return <KeptOut why={refused} />;
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
      <Confirming />
      {help && (
        <Suspense>
          <Help onClose={() => setHelp(false)} />
        </Suspense>
      )}
    </>
  );
}

/** A page is one person's from its beginning to its end. Returns why that one may not be here. */
function useOnePerson(): string | null {
  const { data: me, error } = useQuery(meQuery);
  const [first, setFirst] = useState<string | null>();
  useEffect(() => {
    if (!me) return;
    // Visitors who have not ordered anything are somebody else with every question.
    const who = me.kind === "visitor" ? null : me.id;
    if (first === who) return;
    takeUp(who);
    if (first === undefined) setFirst(who);
    else window.location.reload();
  }, [me, first]);
  useEffect(() => onOtherPerson(() => window.location.reload()), []);
  return error instanceof Trouble && error.code === "forbidden" ? error.detail : null;
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
