/** How a lane is, in a word, and why. */
import { about, moment } from "@/shared/ui/format";
import type { Lane } from "./api";

export type Standing = {
  kind: "good" | "idle" | "paused" | "broken";
  what: string;
  why: string | null;
};

/** The server's word for "until somebody resumes it". */
const ENDLESS_YEAR = 9000;

export function standing(lane: Lane, now: number): Standing {
  const paused = after(lane.paused_until, now);
  if (paused) {
    const endless = paused.getUTCFullYear() > ENDLESS_YEAR;
    const what = endless ? "Paused until resumed" : `Paused until ${moment(paused.toISOString())}`;
    return { kind: "paused", what, why: lane.paused_why };
  }
  if (lane.breaker === "probing") {
    return { kind: "broken", what: "One job tries it again", why: lane.open_why };
  }
  if (lane.breaker === "open") {
    const until = after(lane.open_until, now);
    const what = until
      ? `Left alone, tried again in ${about((until.getTime() - now) / 1000)}`
      : "Left alone until the next try";
    return { kind: "broken", what, why: lane.open_why };
  }
  if (lane.workers === 0) {
    const waits = lane.waiting + lane.parked + lane.delayed > 0;
    return waits
      ? { kind: "broken", what: "Nobody works on it", why: "No worker takes this lane's jobs." }
      : { kind: "idle", what: "Not served", why: null };
  }
  return lane.running + lane.waiting > 0
    ? { kind: "good", what: "Working", why: null }
    : { kind: "good", what: "Ready", why: null };
}

function after(iso: string | null, now: number): Date | null {
  const at = iso ? new Date(iso) : null;
  return at && at.getTime() > now ? at : null;
}

export const canResume = ({ kind }: Standing): boolean => kind === "paused" || kind === "broken";
