/** The pictures that a job started from. Their places are there before they are. */
import { Link } from "@tanstack/react-router";
import { useAsset } from "@/shared/api/assets";
import { Picture } from "@/shared/ui/Picture";
import { leavePlace } from "@/shared/ui/place";
import { MaskOver } from "./Masking";
import styles from "./references.module.css";

export function Used({ ids, mask }: { ids: readonly string[]; mask: string | null }) {
  if (ids.length === 0) return null;
  return (
    <div className={styles.used}>
      {ids.map((id, i) => (
        <One
          key={id}
          id={id}
          mask={i === 0 ? mask : null}
          name={ids.length > 1 ? `reference ${i + 1}` : "the reference"}
        />
      ))}
    </div>
  );
}

function One({ id, mask, name }: { id: string; mask: string | null; name: string }) {
  const { data, refetch } = useAsset(id);
  if (!data) return <span />;
  return (
    <Link
      to="/i/$id"
      params={{ id }}
      search={{}}
      aria-label={`Open ${name}${mask ? ", of which a part was marked" : ""}`}
      data-asset={id}
      onClick={() => leavePlace("create", id)}
    >
      <Picture asset={data} sizes="44px" onExpired={() => void refetch()} />
      {mask && <MaskOver id={mask} sizes="44px" />}
    </Link>
  );
}
