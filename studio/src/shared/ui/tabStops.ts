/** Where Tab stops inside of an element. */
const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex='0']";

/** Of radio buttons with one name it stops at the chosen one. */
const isPassedOver = (one: HTMLElement, all: readonly HTMLElement[]): boolean =>
  one instanceof HTMLInputElement &&
  one.type === "radio" &&
  !one.checked &&
  all.some(
    (other) =>
      other instanceof HTMLInputElement &&
      other.type === "radio" &&
      other.name === one.name &&
      other.checked,
  );

/** Whether the next Tab from here leaves the box. The box itself is before all in it. */
export function atEdge(box: HTMLElement, from: EventTarget, backwards: boolean): boolean {
  const all = [...box.querySelectorAll<HTMLElement>(FOCUSABLE)].filter(
    (one) => !one.matches(":disabled") && one.getClientRects().length > 0,
  );
  const stops = all.filter((one) => !isPassedOver(one, all));
  if (stops.length === 0 || from === box) return backwards || stops.length === 0;
  return from === (backwards ? stops[0] : stops.at(-1));
}
