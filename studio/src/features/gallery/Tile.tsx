/** One picture on the wall. */
import { Link } from "@tanstack/react-router";
import { ImagePlus, Star, Trash2 } from "lucide-react";
import { memo } from "react";
import { useStar } from "@/shared/api/assets";
import type { Asset, AssetFilter } from "@/shared/api/types";
import { Picture } from "@/shared/ui/Picture";
import { leavePlace } from "@/shared/ui/place";
import { impression } from "@/shared/ui/thumbhash";
import styles from "./gallery.module.css";

type Props = {
  asset: Asset;
  filter: AssetFilter;
  x: number;
  y: number;
  width: number;
  height: number;
  active: boolean;
  /** Whether a model here could start from it. */
  usable: boolean;
  onActive: () => void;
  onRemove: () => void;
  onExpired: () => void;
};

export const Tile = memo(
  function Tile({
    asset,
    filter,
    x,
    y,
    width,
    height,
    active,
    usable,
    onActive,
    onRemove,
    onExpired,
  }: Props) {
    const star = useStar();
    const under = impression(asset.thumbhash);
    const name =
      asset.prompt ?? (asset.kind === "upload" ? "Uploaded picture" : "Picture without a prompt");
    const tab = active ? 0 : -1;
    const toggle = () => star.mutate({ id: asset.id, starred: !asset.starred });
    return (
      // biome-ignore lint/a11y/noStaticElementInteractions: the star key works on whatever has the focus inside
      <div
        className={styles.tile}
        style={{ translate: `${x}px ${y}px`, width, height }}
        onFocus={onActive}
        onKeyDown={(event) => {
          if (event.key === "." && !event.ctrlKey && !event.metaKey) {
            event.preventDefault();
            if (!event.repeat) toggle();
          }
        }}
      >
        <Link
          to="/i/$id"
          params={{ id: asset.id }}
          search={filter}
          data-asset={asset.id}
          aria-label={name.slice(0, 140)}
          tabIndex={tab}
          className={styles.open}
          style={under ? { backgroundImage: `url(${under})` } : undefined}
          onClick={() => leavePlace("gallery", asset.id)}
        >
          <Picture asset={asset} sizes={`${Math.ceil(width)}px`} onExpired={onExpired} />
        </Link>
        <button
          type="button"
          className={`${styles.mark} ${styles.star}`}
          aria-pressed={asset.starred}
          aria-label="Star"
          title={asset.starred ? "Remove the star" : "Star"}
          tabIndex={tab}
          onClick={toggle}
        >
          <Star aria-hidden />
        </button>
        {usable && (
          <Link
            to="/"
            search={{ reference: asset.id }}
            className={`${styles.mark} ${styles.use}`}
            aria-label="Use as reference"
            title="Use as reference"
            tabIndex={tab}
          >
            <ImagePlus aria-hidden />
          </Link>
        )}
        <button
          type="button"
          className={`${styles.mark} ${styles.delete}`}
          aria-label="Delete"
          title="Delete"
          tabIndex={tab}
          onClick={onRemove}
        >
          <Trash2 aria-hidden />
        </button>
      </div>
    );
  },
  // The callbacks close over the position in the list; what is drawn depends on these alone.
  (a, b) =>
    a.asset === b.asset &&
    a.filter === b.filter &&
    a.x === b.x &&
    a.y === b.y &&
    a.width === b.width &&
    a.height === b.height &&
    a.active === b.active &&
    a.usable === b.usable,
);
