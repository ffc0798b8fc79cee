/**
 * One EventSource for all jobs of this tab.
 *
 * HTTP/1.1 allows six connections to a host for all tabs together: with six tabs open the seventh could not
 * load at all (measured). So a tab that has been hidden for 20 s gives its connection back and resumes after
 * the last event when it is looked at again. Locks and shared workers would need https.
 */
import type { StudioEvent } from "./types";

export type StreamState = "open" | "lost";

type EventName = StudioEvent["type"];

// Total on purpose: a new event name on the server stops the build here.
const names: Record<EventName, true> = {
  snapshot: true,
  stage: true,
  progress: true,
  queue: true,
  output: true,
  delta: true,
  completed: true,
  failed: true,
  cancelled: true,
  credits: true,
  reconnect: true,
};

const HIDDEN_FOR_MS = 20_000;
const QUIET_LOSS_MS = 3_000;
const RETRY_MAX_MS = 8_000;

type Listener = {
  onEvent: (event: StudioEvent) => void;
  /** Called on every change, and on each (re)opening. */
  onState: (state: StreamState) => void;
  /** After a gap: the moment to look at everything that was live. */
  onReturn: () => void;
};

export function openStream({ onEvent, onState, onReturn }: Listener): () => void {
  let source: EventSource | null = null;
  let lastId: string | null = null;
  let opened = false;
  let failures = 0;
  let retry: number | undefined;
  let loss: number | undefined;
  let asleep: number | undefined;

  function connect() {
    window.clearTimeout(retry);
    source?.close();
    source = new EventSource(
      lastId === null ? "/api/events" : `/api/events?after=${encodeURIComponent(lastId)}`,
    );
    source.onopen = () => {
      failures = 0;
      window.clearTimeout(loss);
      loss = undefined;
      onState("open");
      if (opened) onReturn();
      opened = true;
    };
    source.onerror = reconnect;
    for (const name of Object.keys(names)) source.addEventListener(name, receive);
  }

  function receive(message: MessageEvent<string>) {
    if (message.lastEventId) lastId = message.lastEventId;
    const event = JSON.parse(message.data) as StudioEvent;
    if (event.type === "reconnect") reconnect();
    else onEvent(event);
  }

  // Not left to the browser: it gives up for good on an HTTP error, which a restarting proxy sends.
  function reconnect() {
    source?.close();
    source = null;
    // Perhaps it is the id the server does not know any more: then start from how things are now.
    if (failures >= 3) lastId = null;
    if (document.hidden) return;
    loss ??= window.setTimeout(() => onState("lost"), QUIET_LOSS_MS);
    window.clearTimeout(retry);
    retry = window.setTimeout(
      connect,
      Math.min(500 * 2 ** failures, RETRY_MAX_MS) * (0.8 + Math.random() * 0.4),
    );
    failures += 1;
  }

  function sleep() {
    window.clearTimeout(retry);
    window.clearTimeout(loss);
    loss = undefined;
    source?.close();
    source = null;
  }

  function look() {
    window.clearTimeout(asleep);
    if (document.hidden) asleep = window.setTimeout(sleep, HIDDEN_FOR_MS);
    else if (!source) {
      failures = 0;
      connect();
    }
  }

  // A page kept by the browser for its back button must not hold a connection either.
  const leave = () => sleep();
  document.addEventListener("visibilitychange", look);
  window.addEventListener("online", look);
  window.addEventListener("pageshow", look);
  window.addEventListener("pagehide", leave);
  connect();

  return () => {
    document.removeEventListener("visibilitychange", look);
    window.removeEventListener("online", look);
    window.removeEventListener("pageshow", look);
    window.removeEventListener("pagehide", leave);
    window.clearTimeout(asleep);
    sleep();
  };
}
