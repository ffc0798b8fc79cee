/** A labelled field with its hint and what is wrong with it. */
import { type InputHTMLAttributes, useId } from "react";
import styles from "./form.module.css";

type Input = Pick<
  InputHTMLAttributes<HTMLInputElement>,
  | "autoCapitalize"
  | "autoComplete"
  | "inputMode"
  | "maxLength"
  | "min"
  | "name"
  | "required"
  | "spellCheck"
  | "type"
>;

type Props = Input & {
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string;
  problem?: string | undefined;
  /** Has the focus when its dialog opens. */
  first?: boolean;
};

export function Field({ label, value, onChange, hint, problem, first, ...input }: Props) {
  const id = useId();
  return (
    <div className={styles.field}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        autoComplete="off"
        data-first={first || undefined}
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
