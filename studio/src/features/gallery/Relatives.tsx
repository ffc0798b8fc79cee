/** Where a picture comes from, and where it has led. */
import { Link } from "@tanstack/react-router";
import { useAsset } from "@/shared/api/assets";
import type { AssetFilter } from "@/shared/api/types";
import { Picture } from "@/shared/ui/Picture";
import styles from "./lightbox.module.css";

type Props = { title: string; ids: readonly string[] | undefined; filter: AssetFilter };

/** As many as fit beside the other facts. */
const SHOWN_MAX = 12;

export function Relatives({ title, ids = [], filter }: Props) {
  if (ids.length === 0) return null;
  return (
    <section>
      <h2>{title}</h2>
      <ul className={styles.strip}>
        {ids.slice(0, SHOWN_MAX).map((id, i) => (
          <li key={id}>
            <Relative id={id} name={`${title}, picture ${i + 1}`} filter={filter} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function Relative({ id, name, filter }: { id: string; name: string; filter: AssetFilter }) {
  const { data, refetch } = useAsset(id);
  return (
    <Link
      to="/i/$id"
      params={{ id }}
      search={filter}
      replace
      aria-label={name}
      className={styles.relative}
    >
      {data && <Picture asset={data} sizes="62px" onExpired={() => void refetch()} />}
    </Link>
  );
}
