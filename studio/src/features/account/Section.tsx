import { type ReactNode, useId } from "react";
import styles from "./account.module.css";

type Props = { title: string; about?: string; children: ReactNode };

/** Its name and what it is about at the left, what can be done at the right; below each other on a phone. */
export function Section({ title, about, children }: Props) {
  const id = useId();
  return (
    <section className={styles.section} aria-labelledby={id}>
      <div>
        <h2 id={id}>{title}</h2>
        {about && <p>{about}</p>}
      </div>
      <div className={styles.body}>{children}</div>
    </section>
  );
}
