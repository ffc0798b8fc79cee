/** How numbers, sizes and times are written, once. */
import type { Place } from "@/shared/api/types";

export const count = (n: number): string => n.toLocaleString("en");

export const credits = (n: number): string => (n === 1 ? "1 credit" : `${count(n)} credits`);

export const size = (width?: number | null, height?: number | null): string | null =>
  width && height ? `${width}×${height}` : null;

/** 0.8 s · 12 s · 2 min 05 s */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

/** For a running clock: whole seconds, no flicker. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const rest = String(seconds % 60).padStart(2, "0");
  return `${Math.floor(seconds / 60)}:${rest}`;
}

/** For what nobody knows exactly: 1 s · 12 s · 5 min · 3 h */
export function about(seconds: number): string {
  if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3570) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

const ordinals = new Intl.PluralRules("en", { type: "ordinal" });
const endings: Partial<Record<Intl.LDMLPluralRule, string>> = { one: "st", two: "nd", few: "rd" };

export const ordinal = (n: number): string =>
  `${n.toLocaleString("en")}${endings[ordinals.select(n)] ?? "th"}`;

/** The server counts no further. */
const COUNTED = 1000;

/** Next in line · 3rd in line, about 12 s */
export function inLine({ position, eta_seconds }: Place): string {
  const where =
    position <= 1
      ? "Next in line"
      : position >= COUNTED
        ? `Beyond ${ordinal(COUNTED)} in line`
        : `${ordinal(position)} in line`;
  return eta_seconds === null ? where : `${where}, about ${about(eta_seconds)}`;
}

export function bytes(n: number): string {
  if (n < 1_000_000) return `${Math.ceil(n / 1000)} kB`;
  return n < 1_000_000_000 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(1)} GB`;
}

const dayOnly = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long" });
const dayAndYear = new Intl.DateTimeFormat("en", {
  day: "numeric",
  month: "long",
  year: "numeric",
});
const clockOnly = new Intl.DateTimeFormat("en", {
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const both = new Intl.DateTimeFormat("en", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});

const dayNumber = (at: Date) =>
  Math.floor((at.getTime() - at.getTimezoneOffset() * 60_000) / 86_400_000);

export function day(iso: string, now = new Date()): string {
  const at = new Date(iso);
  const ago = dayNumber(now) - dayNumber(at);
  if (ago === 0) return "Today";
  if (ago === 1) return "Yesterday";
  return at.getFullYear() === now.getFullYear() ? dayOnly.format(at) : dayAndYear.format(at);
}

export function moment(iso: string, now = new Date()): string {
  const at = new Date(iso);
  return dayNumber(now) === dayNumber(at) ? clockOnly.format(at) : both.format(at);
}

export const time = (iso: string): string => clockOnly.format(new Date(iso));
