/** A table of records; on a phone, a card for each. */
import type { ReactNode } from "react";
import styles from "./table.module.css";

type Column = ReactNode | { figures: string };

type Props = {
  /** What is listed, for ears. */
  caption: string;
  columns: readonly Column[];
  /** Whether each row ends with what can be done with it. */
  actions?: boolean;
  className?: string | undefined;
  /** The rows. */
  children: ReactNode;
};

export function Table({ caption, columns, actions = true, className = "", children }: Props) {
  return (
    <table className={`${styles.table} ${className}`}>
      <caption className="hidden-visually">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column, i) => {
            const figures = isFigures(column);
            return (
              // biome-ignore lint/suspicious/noArrayIndexKey: columns never change places
              <th key={i} scope="col" className={figures ? styles.number : undefined}>
                {figures ? column.figures : column}
              </th>
            );
          })}
          {actions && (
            <th scope="col">
              <span className="hidden-visually">Actions</span>
            </th>
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}

const isFigures = (column: Column): column is { figures: string } =>
  typeof column === "object" && column !== null && "figures" in column;
