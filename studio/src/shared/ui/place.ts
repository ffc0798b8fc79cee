/** Where somebody was on a page before they opened a picture: put back when they return, and only then. */
type Place = { y: number; focus: string | null };

const places = new Map<string, Place>();

export function leavePlace(page: string, focus: string | null): void {
  places.set(page, { y: window.scrollY, focus });
}

export function takePlace(page: string): Place | undefined {
  const place = places.get(page);
  places.delete(page);
  return place;
}

export function focusAgain(place: Place): void {
  if (place.focus) {
    document
      .querySelector<HTMLElement>(`[data-asset="${place.focus}"]`)
      ?.focus({ preventScroll: true });
  }
}

/** Another picture was looked at since: that one gets the focus. */
export function moveFocusOf(page: string, focus: string): void {
  const place = places.get(page);
  if (place) places.set(page, { ...place, focus });
}
