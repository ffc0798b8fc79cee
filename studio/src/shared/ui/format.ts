/** How numbers, sizes and times are written, once. */

export const credits = (n: number): string =>
  n === 1 ? "1 credit" : `${n.toLocaleString("en")} credits`;

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

export const bytes = (n: number): string =>
  n < 1_000_000 ? `${Math.max(1, Math.round(n / 1000))} kB` : `${(n / 1_000_000).toFixed(1)} MB`;

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
