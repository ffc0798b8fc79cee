/** Every picture, newest first, by day. */
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { useAssets } from "@/shared/api/assets";
import { modelName, takesReferences, useModels } from "@/shared/api/catalogue";
import { buttonClass } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { ListState } from "@/shared/ui/ListState";
import { MoreOf } from "@/shared/ui/MoreOf";
import page from "@/shared/ui/page.module.css";
import { focusAgain, takePlace } from "@/shared/ui/place";
import { useShortcuts } from "@/shared/ui/shortcuts";
import { useStored } from "@/shared/ui/stored";
import { Filters } from "./Filters";
import styles from "./gallery.module.css";
import { rowOf, step } from "./layout";
import { useRemoval } from "./removal";
import { Tile } from "./Tile";
import { useWall } from "./useWall";

const SIZES = [120, 160, 200, 260, 320, 400] as const;
const isSize = (value: unknown): value is number =>
  typeof value === "number" && SIZES.some((one) => one === value);

export function Gallery() {
  const filter = useSearch({ from: "/shell/gallery" });
  const navigate = useNavigate({ from: "/gallery" });
  const pages = useAssets(filter);
  const { models } = useModels();
  const usable = takesReferences(models);
  const [size, setSize] = useStored<number>("safelight.tiles", 200, isSize);
  const [chosen, setChosen] = useState<string>();
  const box = useRef<HTMLDivElement>(null);
  const toFocus = useRef<string | null>(null);
  const place = useRef(0);

  const assets = useMemo(
    () => (pages.data?.pages ?? []).flatMap((page) => page.items),
    [pages.data],
  );
  // By its id: new pictures hang in front of it. Once it is gone, the one in its place.
  const found = assets.findIndex((asset) => asset.id === chosen);
  const active = found >= 0 ? found : Math.max(0, Math.min(place.current, assets.length - 1));
  place.current = active;
  const { wall, visible, nearEnd } = useWall(box, assets, size);
  const remove = useRemoval();
  const filtered = Object.values(filter).some((value) => value !== undefined);

  const { isFetchingNextPage, isFetchNextPageError, fetchNextPage } = pages;
  const wantsMore = nearEnd && pages.hasNextPage && !isFetchingNextPage && !isFetchNextPageError;
  useEffect(() => {
    if (wantsMore) void fetchNextPage();
  }, [wantsMore, fetchNextPage]);

  useReturn(wall.height > 0);

  // The tile to focus may not have existed until the page was scrolled to it.
  useLayoutEffect(() => {
    if (toFocus.current === null) return;
    const link = document.querySelector<HTMLElement>(`[data-asset="${toFocus.current}"]`);
    if (link) {
      toFocus.current = null;
      link.focus({ preventScroll: true });
    }
  });

  const goTo = (index: number) => {
    const row = wall.rows[rowOf(wall.rows, index)];
    const id = assets[index]?.id;
    if (!row || !id || !box.current) return;
    const top = box.current.getBoundingClientRect().top + window.scrollY + row.top;
    const room = 140;
    if (top < window.scrollY + room) window.scrollTo({ top: top - room });
    else if (top + row.height > window.scrollY + window.innerHeight - 24) {
      window.scrollTo({ top: top + row.height - window.innerHeight + 24 });
    }
    toFocus.current = id;
    setChosen(id);
  };

  const resize = (by: number) => {
    const next = SIZES[SIZES.indexOf(size as (typeof SIZES)[number]) + by];
    if (next) setSize(next);
  };
  useShortcuts({ "+": () => resize(1), "=": () => resize(1), "-": () => resize(-1) });

  const named = filter.model ? modelName(models, filter.model) : null;
  const wanted = [filter.q, named, filter.starred ? "starred" : null].filter((part) => part);

  return (
    <div className={page.page}>
      <Filters filter={filter} models={models} size={size} sizes={SIZES} onSize={setSize} />
      <ListState
        list={pages}
        count={assets.length}
        what="The pictures"
        unmatched={
          filtered
            ? {
                what: (
                  <>
                    Nothing matches{" "}
                    {wanted.map((part, i) => [i > 0 ? ", " : "", <em key={part}>{part}</em>])}
                  </>
                ),
                onClear: () => navigate({ search: {} }),
              }
            : undefined
        }
        empty={
          <Empty
            action={
              <Link to="/" className={buttonClass("outline", "large")}>
                Create
              </Link>
            }
          >
            Your pictures will hang here.
          </Empty>
        }
      />
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move between the links inside */}
      <div
        ref={box}
        className={styles.wall}
        style={{ height: wall.height }}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          const asset = assets[active];
          if (/^(Arrow(Up|Down|Left|Right)|Home|End)$/.test(event.key)) {
            event.preventDefault();
            goTo(step(wall, active, event.key, assets.length));
          } else if (event.key === "Delete" && asset) {
            event.preventDefault();
            // A key that is held down means one picture.
            if (event.repeat) return;
            remove(asset);
            toFocus.current = (assets[active + 1] ?? assets[active - 1])?.id ?? null;
          }
        }}
      >
        {visible.map((row) =>
          row.kind === "day" ? (
            <h2 key={row.text} className={styles.day} style={{ translate: `0 ${row.top}px` }}>
              {row.text}
            </h2>
          ) : (
            row.tiles.map((tile) => {
              const asset = assets[tile.index];
              return asset ? (
                <Tile
                  key={asset.id}
                  asset={asset}
                  filter={filter}
                  x={tile.x}
                  y={row.top}
                  width={tile.width}
                  height={row.height}
                  active={tile.index === active}
                  usable={usable}
                  onActive={() => setChosen(asset.id)}
                  onRemove={() => remove(asset)}
                  // All links run out at one time: one question is enough.
                  onExpired={() => void pages.refetch({ cancelRefetch: false })}
                />
              ) : null;
            })
          ),
        )}
      </div>
      {isFetchNextPageError ? (
        <MoreOf list={pages} />
      ) : (
        isFetchingNextPage && <p className={`${page.more} ${page.quiet}`}>Loading more</p>
      )}
    </div>
  );
}

/** Back from a picture: the same place, and the focus on what was last looked at. */
function useReturn(ready: boolean) {
  const done = useRef(false);
  useLayoutEffect(() => {
    if (!ready || done.current) return;
    done.current = true;
    const place = takePlace("gallery");
    window.scrollTo({ top: place?.y ?? 0, behavior: "instant" });
    // The tiles for this place are drawn by the scroll event it causes.
    if (place) requestAnimationFrame(() => requestAnimationFrame(() => focusAgain(place)));
  }, [ready]);
}
