import styles from "./bar.module.css";

/** Three pixels of progress; a slow sweep where nobody knows how far. */
export function Bar({ value, label }: { value: number | null; label: string }) {
  const known = value !== null;
  return (
    <div
      className={styles.bar}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      {...(known ? { "aria-valuenow": Math.round(value * 100) } : {})}
    >
      <span
        className={known ? styles.fill : styles.sweep}
        style={known ? { scale: `${Math.min(1, Math.max(0, value))} 1` } : undefined}
      />
    </div>
  );
}
