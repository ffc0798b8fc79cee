/** Light, dark, or as the system says. The page applies it before the first paint (index.html). */
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "safelight.theme";
const listeners = new Set<() => void>();
const system = () => window.matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme(): Theme {
  try {
    const value = localStorage.getItem(KEY);
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

function apply(): void {
  const chosen = chosenTheme();
  const dark = chosen === "dark" || (chosen === "system" && system().matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  const bars = document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]');
  for (const meta of bars) meta.content = dark ? "#121110" : "#f6f5f3";
}

export function setTheme(theme: Theme): void {
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
  apply();
  for (const listener of listeners) listener();
}

export function followSystemTheme(): void {
  apply();
  system().addEventListener("change", apply);
}

export function useTheme(): Theme {
  return useSyncExternalStore((changed) => {
    listeners.add(changed);
    return () => listeners.delete(changed);
  }, chosenTheme);
}
