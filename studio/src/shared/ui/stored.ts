import { useState } from "react";

/** A small choice that outlives the page. Storage can be full, switched off or older than this code. */
export function useStored<T>(key: string, initial: T, valid: (value: unknown) => value is T) {
  const [value, setValue] = useState<T>(() => read(key, initial, valid));
  return [
    value,
    (next: T) => {
      setValue(next);
      write(key, next);
    },
  ] as const;
}

export function read<T>(key: string, initial: T, valid: (value: unknown) => value is T): T {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? "null");
    return valid(value) ? value : initial;
  } catch {
    return initial;
  }
}

export function write(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Then it is forgotten with the page.
  }
}
