/**
 * Whose page this is. When that changes the page starts over: a new document has nothing of the last person in it,
 * whatever any part of it had kept.
 */
import { answered, api } from "./client";

/** Whoever was here last, for the other tabs. */
const WHO = "safelight.who";
/** What is written and not sent. It is the only thing a browser keeps for somebody. */
const PERSONAL = ["safelight.draft", "safelight.references", "safelight.mask"] as const;
const KEPT = "safelight.kept";

/** Sent to the window when what was written is somebody else's now, or back in its place. */
export const TAKEN_UP = "safelight:taken-up";

type Kept = { who: string; things: Record<string, string> };

/** Storage that is switched off keeps nothing, and so has nothing to hide. */
function trying(act: () => void): void {
  try {
    act();
  } catch {
    // As above.
  }
}

/** Whoever was here may be somebody else by now: what was being written waits for the one who wrote it. */
export function putAway(): void {
  trying(() => {
    const who = localStorage.getItem(WHO);
    if (!who) return;
    const found = PERSONAL.flatMap((key) => {
      const value = localStorage.getItem(key);
      return value === null ? [] : [[key, value] as const];
    });
    if (found.length === 0) return;
    for (const key of PERSONAL) localStorage.removeItem(key);
    const kept: Kept = { who, things: Object.fromEntries(found) };
    localStorage.setItem(KEPT, JSON.stringify(kept));
  });
}

/** This one is here now; null: a visitor. A user finds nothing of anybody else, not even what waits for them. */
export function takeUp(who: string | null): void {
  trying(() => {
    const before = localStorage.getItem(WHO);
    let changed = before !== null && before !== who;
    if (changed) putAway();
    if (who === null) localStorage.removeItem(WHO);
    else {
      const waiting = localStorage.getItem(KEPT);
      localStorage.removeItem(KEPT);
      localStorage.setItem(WHO, who);
      const kept = waiting ? (JSON.parse(waiting) as Kept) : null;
      if (kept?.who === who) {
        changed = true;
        for (const [key, value] of Object.entries(kept.things)) {
          // What was written since is newer.
          if (localStorage.getItem(key) === null) localStorage.setItem(key, value);
        }
      }
    }
    if (changed) window.dispatchEvent(new Event(TAKEN_UP));
  });
}

/** Nothing of this one stays here. */
export function forget(): void {
  trying(() => {
    for (const key of [...PERSONAL, KEPT, WHO]) localStorage.removeItem(key);
  });
}

export async function logOut(): Promise<void> {
  await answered(api.POST("/api/auth/logout"));
  forget();
  window.location.replace("/login");
}

/** In another tab somebody has logged out, or somebody else in: this one starts over. */
export function onOtherPerson(act: () => void): () => void {
  const look = (event: StorageEvent) => {
    if (event.key === WHO && event.oldValue !== null && event.oldValue !== event.newValue) act();
  };
  window.addEventListener("storage", look);
  return () => window.removeEventListener("storage", look);
}

/** Where to go on after a login: an address of this studio, whatever somebody has written into a link. */
export function safeBack(back: string | undefined, origin = window.location.origin): string {
  if (!back?.startsWith("/")) return "/";
  try {
    const { origin: of, pathname, search, hash } = new URL(back, origin);
    const isDoor = /^\/(login|register|reset)\b/.test(pathname);
    // `/..//host` is a path of ours until it stands alone.
    const isPath = !pathname.startsWith("//");
    return of === origin && isPath && !isDoor ? `${pathname}${search}${hash}` : "/";
  } catch {
    return "/";
  }
}
