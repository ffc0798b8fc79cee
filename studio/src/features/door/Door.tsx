/** What stands around the pages in front of the studio. */
import type { ReactNode } from "react";
import { Mark } from "@/shared/ui/Mark";
import styles from "./door.module.css";

type Props = { title: string; lead?: ReactNode; children?: ReactNode; foot?: ReactNode };

export function Door({ title, lead, children, foot }: Props) {
  return (
    <main id="main" tabIndex={-1} className={styles.door}>
      <div className={styles.column}>
        <div className={styles.mark}>
          <Mark />
          Safelight
        </div>
        <h1 className={styles.title}>{title}</h1>
        {lead && <p className={styles.lead}>{lead}</p>}
        {children}
        {foot && <div className={styles.foot}>{foot}</div>}
      </div>
    </main>
  );
}
