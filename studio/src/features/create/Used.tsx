/** The pictures that a job started from. Their places are there before they are. */
import { Link } from "@tanstack/react-router";
import { useAsset } from "@/shared/api/assets";
import { Picture } from "@/shared/ui/Picture";
import { leavePlace } from "@/shared/ui/place";
import styles from "./references.module.css";

export function Used({ ids }: { ids: readonly string[] }) {
  if (ids.length === 0) return null;
  return (
    <div className={styles.used}>
      {ids.map((id, i) => (
        <One key={id} id={id} name={ids.length > 1 ? `reference ${i + 1}` : "the reference"} />
      ))}
    </div>
  );
}

function One({ id, name }: { id: string; name: string }) {
  const { data, refetch } = useAsset(id);
  if (!data) return <span />;
  return (
    <Link
      to="/i/$id"
      params={{ id }}
      search={{}}
      aria-label={`Open ${name}`}
      data-asset={id}
      onClick={() => leavePlace("create", id)}
    >
      <Picture asset={data} sizes="44px" onExpired={() => void refetch()} />
    </Link>
  );
}
