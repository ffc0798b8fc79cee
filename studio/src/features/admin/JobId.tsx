import { Link } from "@tanstack/react-router";
import { useMe } from "@/shared/api/me";
import styles from "./admin.module.css";

/** A job's number; a link where the job is one's own, since other people's are nobody else's to see. */
export function JobId({ id, owner }: { id: string; owner: string | undefined }) {
  const me = useMe();
  const name = `job ${id.slice(-6)}`;
  if (!owner || me?.id !== owner) return <code title={id}>{name}</code>;
  return (
    <Link to="/history" search={{ job: id }} className={styles.link}>
      {name}
    </Link>
  );
}
