/** Short messages about something that happened elsewhere, with at most one thing to do about it. */
import { useEffect, useRef, useSyncExternalStore } from "react";
import styles from "./toast.module.css";

type Toast = {
  id: number;
  text: string;
  action?: { label: string; act: () => void } | undefined;
  lastsMs: number;
};

let toasts: readonly Toast[] = [];
let count = 0;
const listeners = new Set<() => void>();

function show(next: readonly Toast[]) {
  toasts = next;
  for (const listener of listeners) listener();
}

export function toast(text: string, action?: Toast["action"], lastsMs = 5000): void {
  count += 1;
  // More than three are not read; the oldest goes.
  show([...toasts.slice(-2), { id: count, text, action, lastsMs }]);
}

const dismiss = (id: number) => show(toasts.filter((one) => one.id !== id));

export function Toasts() {
  const current = useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => toasts,
  );
  return (
    <section className={styles.region} aria-label="Messages" aria-live="polite">
      {current.map((one) => (
        <Message key={one.id} toast={one} />
      ))}
    </section>
  );
}

function Message({ toast: { id, text, action, lastsMs } }: { toast: Toast }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The time to undo does not run out under the pointer or while the button has the focus.
    const timer = window.setInterval(() => {
      if (box.current?.matches(":hover, :focus-within")) return;
      window.clearInterval(timer);
      dismiss(id);
    }, lastsMs);
    return () => window.clearInterval(timer);
  }, [id, lastsMs]);
  return (
    <div ref={box} className={styles.toast}>
      <span>{text}</span>
      {action && (
        <button
          type="button"
          onClick={() => {
            dismiss(id);
            action.act();
          }}
        >
          {action.label}
        </button>
      )}
    </div>
  );
}
