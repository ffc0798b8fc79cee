/** What is on the wall, and how large. The choice lives in the address. */
import { useNavigate } from "@tanstack/react-router";
import { Star } from "lucide-react";
import type { AssetFilter, Model } from "@/shared/api/types";
import { ModelFilter } from "@/shared/ui/ModelFilter";
import page from "@/shared/ui/page.module.css";
import { SearchField } from "@/shared/ui/SearchField";
import styles from "./gallery.module.css";

type Props = {
  filter: AssetFilter;
  models: readonly Model[];
  size: number;
  sizes: readonly number[];
  onSize: (size: number) => void;
};

export function Filters({ filter, models, size, sizes, onSize }: Props) {
  const navigate = useNavigate({ from: "/gallery" });
  const set = (change: AssetFilter) =>
    void navigate({
      search: (before) => ({ ...before, ...change }),
      replace: true,
      resetScroll: false,
    });
  const painters = models.filter((model) => model.kind === "image");
  return (
    <div className={page.filters}>
      <SearchField
        label="Search pictures"
        value={filter.q ?? ""}
        onChange={(q) => set({ q: q || undefined })}
      />
      <ModelFilter models={painters} value={filter.model} onChange={(model) => set({ model })} />
      <button
        type="button"
        className={styles.toggle}
        aria-pressed={filter.starred === true}
        onClick={() => set({ starred: filter.starred ? undefined : true })}
      >
        <Star aria-hidden />
        Starred
      </button>
      <label className={styles.size}>
        <span className="hidden-visually">Size of the pictures</span>
        <input
          type="range"
          min={0}
          max={sizes.length - 1}
          step={1}
          value={sizes.indexOf(size)}
          aria-valuetext={`${size} pixels high`}
          onChange={(event) => onSize(sizes[Number(event.target.value)] ?? 200)}
        />
      </label>
    </div>
  );
}
