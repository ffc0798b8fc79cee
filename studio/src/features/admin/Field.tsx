/** A labelled field with its hint and what is wrong with it. */
import { useId } from "react";
import styles from "./admin.module.css";

type Props = {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  problem?: string | undefined;
  inputMode?: "numeric" | "text";
  required?: boolean;
  maxLength?: number;
};

export function Field({ label, value, onChange, hint, problem, ...input }: Props) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        autoComplete="off"
        value={value}
        aria-describedby={`${id}-about`}
        aria-invalid={problem !== undefined}
        onChange={(event) => onChange(event.target.value)}
        {...input}
      />
      <p id={`${id}-about`} className={problem ? styles.problem : styles.hint}>
        {problem ?? hint}
      </p>
    </div>
  );
}
