/**
 * A form whose problems are the server's sentences: no bubbles of the browser's own, and the focus on the first
 * field that is wrong.
 */
import { type ReactNode, useEffect, useRef } from "react";
import styles from "./form.module.css";

type Props = {
  /** Its name, for somebody who does not see what stands above it. */
  label: string;
  error: Error | null;
  onSubmit: () => void;
  children: ReactNode;
};

export function Form({ label, error, onSubmit, children }: Props) {
  const box = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (error) box.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus();
  }, [error]);
  return (
    <form
      ref={box}
      className={styles.form}
      aria-label={label}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      {children}
    </form>
  );
}
