import { useSyncExternalStore } from "react";

/** A value that outlives the pages that show it, and changes all of them at once. */
export function makeStore<T>(value: T) {
  let now = value;
  const listeners = new Set<() => void>();
  const subscribe = (changed: () => void) => {
    listeners.add(changed);
    return () => listeners.delete(changed);
  };
  const get = () => now;
  return {
    get,
    set: (next: T) => {
      now = next;
      for (const listener of listeners) listener();
    },
    use: () => useSyncExternalStore(subscribe, get),
  };
}
