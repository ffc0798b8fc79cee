/** The browser's own dialog: it keeps the focus inside, closes on Esc and gives the focus back. */
import { X } from "lucide-react";
import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import { IconButton } from "./Button";
import styles from "./panel.module.css";

type Props = {
  title: string;
  onClose: () => void;
  /** What it shows is shown this once: a press beside it does not close it. */
  keep?: boolean;
  /** For pictures: as wide as they need. */
  wide?: boolean;
  children: ReactNode;
};

export function Modal({ title, onClose, keep = false, wide = false, children }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  const beside = useRef(false);
  const name = useId();
  // Closed before it is taken out of the page: only then does the browser give the focus back.
  useLayoutEffect(() => {
    const dialog = box.current;
    dialog?.showModal();
    // A form is there to be filled in; otherwise the first button, Close, has the focus.
    dialog?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes a dialog by itself; this is the click beside it
    <dialog
      ref={box}
      className={`${styles.dialog} ${wide ? styles.broad : ""}`}
      aria-labelledby={name}
      onClose={onClose}
      // Text that is selected beyond the edge ends beside the dialog, too: there it has to begin as well.
      onPointerDown={(event) => {
        beside.current = event.target === event.currentTarget;
      }}
      onClick={(event) => {
        if (!keep && beside.current && event.target === event.currentTarget) onClose();
      }}
    >
      <div className={styles.inside}>
        <div className={styles.head}>
          <h2 id={name} className={styles.title}>
            {title}
          </h2>
          <IconButton label="Close" onClick={onClose}>
            <X aria-hidden />
          </IconButton>
        </div>
        {children}
      </div>
    </dialog>
  );
}
