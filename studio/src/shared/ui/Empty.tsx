import type { ReactNode } from "react";
import styles from "./empty.module.css";

/** One muted sentence and the way on. */
export function Empty({ children, action }: { children: ReactNode; action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <p>{children}</p>
      {action}
    </div>
  );
}
