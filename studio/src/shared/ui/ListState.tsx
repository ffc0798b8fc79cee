/** What stands where a list would be: its outline while it is on its way, why it is empty, or why it is not here. */
import type { ReactNode } from "react";
import { Button } from "./Button";
import { Empty } from "./Empty";
import styles from "./page.module.css";

type Props = {
  list: {
    isPending: boolean;
    isError: boolean;
    error: Error | null;
    refetch: () => unknown;
  };
  count: number;
  /** As in "The jobs could not be loaded". */
  what: string;
  /** Nothing there at all: one sentence and the way on. */
  empty: ReactNode;
  /** Nothing that fits: what was looked for, and the way back to everything. */
  unmatched?: { what: ReactNode; onClear: () => unknown } | undefined;
  /** How many lines the outline has. */
  bones?: number;
};

export function ListState({ list, count, what, empty, unmatched, bones = 0 }: Props) {
  if (count > 0) return null;
  if (list.isError) {
    return (
      <Empty
        action={
          <Button look="outline" size="large" onClick={() => list.refetch()}>
            Try again
          </Button>
        }
      >
        {what} could not be loaded. {list.error?.message}
      </Empty>
    );
  }
  if (list.isPending) {
    return (
      <div className={styles.bones} aria-busy="true">
        {Array.from({ length: bones }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of an outline have no other identity
          <div key={i} />
        ))}
      </div>
    );
  }
  if (!unmatched) return empty;
  return (
    <Empty
      action={
        <Button look="outline" size="large" onClick={unmatched.onClear}>
          Clear filters
        </Button>
      }
    >
      {unmatched.what}
    </Empty>
  );
}
