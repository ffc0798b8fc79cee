/** What a job costs, or has cost, and how that came about. */
import { useReceipt } from "@/shared/api/credits";
import { isEnded, type Job } from "@/shared/api/types";
import { receiptLines } from "./receipt";
import styles from "./receipt.module.css";

export function Receipt({ job }: { job: Job }) {
  // Another question once it has ended: what was asked before says only what is set aside.
  const { data, isError, error } = useReceipt(job.id, isEnded(job.status));
  if (isError)
    return <p className={styles.why}>The receipt could not be loaded. {error.message}</p>;
  if (!data) return <div className={styles.receipt} aria-busy="true" />;
  return (
    <div className={styles.receipt}>
      <dl className={styles.lines}>
        {receiptLines(data).map(({ name, amount, strong }) => (
          <div key={name} data-strong={strong}>
            <dt>{name}</dt>
            <dd>{amount}</dd>
          </div>
        ))}
      </dl>
      {data.why && <p className={styles.why}>{data.why}</p>}
    </div>
  );
}
