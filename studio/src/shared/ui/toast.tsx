/** Short messages about something that happened elsewhere, with at most one thing to do about it. */
import { useEffect, useRef } from "react";
import { makeStore } from "./store";
import styles from "./toast.module.css";

type Toast = {
  id: number;
  text: string;
  action?: { label: string; act: () => void } | undefined;
  lastsMs: number;
};

const toasts = makeStore<readonly Toast[]>([]);
let count = 0;

export function toast(text: string, action?: Toast["action"], lastsMs = 5000): void {
  count += 1;
  // More than three are not read: the oldest goes. What can be undone can be until its time is over.
  const kept = toasts.get().filter((one, i, all) => one.action || i > all.length - 3);
  toasts.set([...kept, { id: count, text, action, lastsMs }]);
}

const dismiss = (id: number) => toasts.set(toasts.get().filter((one) => one.id !== id));

export function Toasts() {
  const current = toasts.use();
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
