/** Why the server did not take a form, where no field of it has said so already. */
import { Trouble } from "@/shared/api/client";
import styles from "./form.module.css";

type Props = {
  error: Error | null;
  /** Those with their own sentence. */
  fields?: readonly string[];
};

export function FormProblem({ error, fields = [] }: Props) {
  if (!error) return null;
  const others =
    error instanceof Trouble ? error.fields.filter((one) => !fields.includes(one.field)) : [];
  if (others.length === 0 && error instanceof Trouble && error.fields.length > 0) return null;
  return (
    <p role="alert" className={styles.problem}>
      {others.length > 0 ? others.map((one) => one.message).join(" ") : error.message}
    </p>
  );
}
