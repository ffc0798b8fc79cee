/** Keys without a field in focus. Single letters can be switched off (WCAG 2.1.4). */
import { useEffect, useRef } from "react";
import { read, write } from "./stored";

const KEY = "safelight.letters";

export const lettersOn = (): boolean => read(KEY, true, (value) => typeof value === "boolean");
export const setLettersOn = (on: boolean): void => write(KEY, on);

const inField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement &&
  (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

/** Something is open above the page and has the keys to itself. */
const covered = (): boolean =>
  [...document.querySelectorAll('dialog[open], [role="dialog"]')].some(
    (element) => element.getClientRects().length > 0,
  );

const always = new Set([
  "Escape",
  "ArrowLeft",
  "ArrowRight",
  "ArrowUp",
  "ArrowDown",
  "Enter",
  "Delete",
  "Home",
  "End",
]);

/**
 * Names are the key as typed ("/", "?", "i", "Shift+X") or a sequence ("g c"). Return false to let the
 * browser have it after all.
 */
export function useShortcuts(map: Record<string, (event: KeyboardEvent) => unknown>): void {
  const latest = useRef(map);
  latest.current = map;
  useEffect(() => {
    let first = "";
    let timer: number | undefined;
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (inField(event.target) || covered()) return;
      // A key that is held down goes on moving and sizing; all else it does once.
      if (event.repeat && !/^(Arrow|[+=-])/.test(event.key)) return;
      if (!always.has(event.key) && !lettersOn()) return;
      const key = event.shiftKey && /^[A-Z]$/.test(event.key) ? `Shift+${event.key}` : event.key;
      const act = latest.current[`${first} ${key}`] ?? latest.current[key];
      window.clearTimeout(timer);
      first = "";
      if (act) {
        if (act(event) !== false) event.preventDefault();
      } else {
        first = key;
        timer = window.setTimeout(() => {
          first = "";
        }, 1000);
      }
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}
