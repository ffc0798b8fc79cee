/** Pours the stream into the query cache. Mounted once, by the shell. */
import { type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { settleBalance, takeBalance } from "./credits";
import { type Followed, fold } from "./follow";
import { admit, fetchJob, refresh } from "./jobs";
import { keys } from "./keys";
import { openStream, type StreamState } from "./stream";
import { isEnded, type Job, type StudioEvent } from "./types";

export type Announce = (before: Job | undefined, after: Job) => void;

export function useStream(announce: Announce): StreamState {
  const cache = useQueryClient();
  const [state, setState] = useState<StreamState>("open");

  useEffect(() => {
    const gallery = later(() => void cache.invalidateQueries({ queryKey: keys.allAssets }), 400);
    const histories = later(() => void cache.invalidateQueries({ queryKey: keys.histories }), 400);

    const credits = later(() => settleBalance(cache), 1500);
    const heard = new Set<string>();
    const unheard = later(() => askAfterUnheard(cache, heard), 1000);

    const close = openStream({
      onState: (now) => {
        setState(now);
        if (now === "open") {
          heard.clear();
          unheard();
        }
        // The stream does not say why it is gone: a login that has ended would be waited for in vain.
        else void cache.invalidateQueries({ queryKey: keys.me });
      },
      onReturn: () => {
        void cache.invalidateQueries({ queryKey: ["jobs"] });
        void cache.invalidateQueries({ queryKey: keys.models });
        // It may have been away because nobody is logged in any more.
        void cache.invalidateQueries({ queryKey: keys.me });
        credits();
        gallery();
      },
      onEvent: (event) => {
        if (event.type === "credits") {
          takeBalance(cache, event);
          credits();
          return;
        }
        if (event.job_id) heard.add(event.job_id);
        const after = receive(cache, event, announce);
        if (after && isEnded(after.status)) {
          gallery();
          histories();
        }
      },
    });
    return close;
  }, [cache, announce]);

  return state;
}

function receive(cache: QueryClient, event: StudioEvent, announce: Announce): Job | undefined {
  if (event.type === "reconnect") return undefined;
  const key = keys.job(event.job_id);
  const known = cache.getQueryData<Followed>(key);
  const next = fold(known, event);
  if (!next) {
    // Somebody else's tab made it, and its snapshot was missed.
    // The server may be gone by now: on its return everything is fetched again.
    fetchJob(event.job_id).then(
      (job) => admit(cache, job),
      () => undefined,
    );
    return undefined;
  }
  cache.setQueryData(key, next);
  if (!known) admit(cache, next.job);
  if (isEnded(next.job.status)) leaveQueue(cache, event.job_id);
  if (next !== known) announce(known?.job, next.job);
  return next.job;
}

function leaveQueue(cache: QueryClient, id: string): void {
  cache.setQueryData<string[]>(keys.live, (live) =>
    live?.includes(id) ? live.filter((one) => one !== id) : live,
  );
}

/**
 * What is known was read before the stream began, or began again. A job that ended in between is neither among its
 * snapshots nor, where it could not go on after the last event, among its lines, and would seem to go on for ever.
 */
function askAfterUnheard(cache: QueryClient, heard: ReadonlySet<string>): void {
  for (const [, known] of cache.getQueriesData<Followed>({ queryKey: keys.everyJob })) {
    if (known && !isEnded(known.job.status) && !heard.has(known.job.id))
      refresh(cache, known.job.id);
  }
}

/** Many jobs can end in one second; the lists need to be asked once. */
function later(act: () => void, afterMs: number): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    window.setTimeout(() => {
      waiting = false;
      act();
    }, afterMs);
  };
}
