/** One picture, as large as it gets, with its facts beside it. */
import {
  Link,
  useCanGoBack,
  useNavigate,
  useParams,
  useRouter,
  useSearch,
} from "@tanstack/react-router";
import {
  ChevronLeft,
  ChevronRight,
  Download,
  Info,
  Maximize2,
  Minimize2,
  Star,
  Trash2,
  X,
} from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { type Pictured, useAsset, useAssets, useStar } from "@/shared/api/assets";
import { Button, buttonClass, IconButton } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { moveFocusOf } from "@/shared/ui/place";
import { useShortcuts } from "@/shared/ui/shortcuts";
import { useStored } from "@/shared/ui/stored";
import { Facts } from "./Facts";
import styles from "./lightbox.module.css";
import { useRemoval } from "./removal";
import { Stage } from "./Stage";

const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";

export function Lightbox() {
  const { id } = useParams({ from: "/i/$id" });
  const picture = useAsset(id);
  if (picture.data)
    return <Opened key="opened" asset={picture.data} onExpired={() => void picture.refetch()} />;
  if (picture.isError) {
    return (
      <main id="main" tabIndex={-1}>
        <h1 className="hidden-visually">Picture</h1>
        <Empty
          action={
            <Link to="/gallery" className={buttonClass("outline", "large")}>
              Gallery
            </Link>
          }
        >
          This picture is not here. {picture.error.message}
        </Empty>
      </main>
    );
  }
  return <main id="main" tabIndex={-1} className={styles.page} aria-busy="true" />;
}

function Opened({ asset, onExpired }: { asset: Pictured; onExpired: () => void }) {
  const filter = useSearch({ from: "/i/$id" });
  const navigate = useNavigate();
  const router = useRouter();
  const canGoBack = useCanGoBack();
  const [facts, setFacts] = useStored("safelight.facts", true, isBoolean);
  const [full, setFull] = useState(false);
  const star = useStar();
  const remove = useRemoval();
  const { newer, older } = useNeighbours(asset.id);
  const download = useRef<HTMLAnchorElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: each picture opens whole
  useEffect(() => setFull(false), [asset.id]);
  useEffect(() => moveFocusOf("gallery", asset.id), [asset.id]);

  const close = () =>
    canGoBack ? router.history.back() : void navigate({ to: "/gallery", search: filter });
  // Looking through pictures is one visit: one step back leads to where it began.
  const show = (id: string | undefined) =>
    id && void navigate({ to: "/i/$id", params: { id }, search: filter, replace: true });
  const toggleStar = () => star.mutate({ id: asset.id, starred: !asset.starred });
  const toggleFacts = () => setFacts(!facts);
  const toggleFull = () => setFull(!full);
  const removeIt = () => {
    remove(asset);
    const next = older ?? newer;
    if (next) show(next);
    else close();
  };

  useShortcuts({
    Escape: close,
    ArrowLeft: () => (full ? false : show(newer)),
    ArrowRight: () => (full ? false : show(older)),
    i: toggleFacts,
    z: toggleFull,
    e: () => navigate({ to: "/", search: { reference: asset.id } }),
    d: () => download.current?.click(),
    ".": toggleStar,
    Delete: removeIt,
  });

  return (
    <main id="main" tabIndex={-1} className={styles.page} data-facts={facts}>
      <div className={styles.table}>
        <div className={styles.bar}>
          <IconButton label="Close" size="large" onClick={close}>
            <X aria-hidden />
          </IconButton>
          <span className={styles.gap} />
          <IconButton
            label={full ? "Fit to the window" : "Full size"}
            size="large"
            aria-pressed={full}
            onClick={toggleFull}
          >
            {full ? <Minimize2 aria-hidden /> : <Maximize2 aria-hidden />}
          </IconButton>
          <IconButton
            label="Star"
            size="large"
            aria-pressed={asset.starred}
            className={asset.starred ? styles.starred : ""}
            onClick={toggleStar}
          >
            <Star aria-hidden />
          </IconButton>
          <a
            ref={download}
            className={buttonClass("plain", "large", true)}
            href={asset.url}
            download={`safelight-${asset.id}`}
            aria-label="Download"
            title="Download"
          >
            <Download aria-hidden />
          </a>
          <IconButton label="Delete" size="large" onClick={removeIt}>
            <Trash2 aria-hidden />
          </IconButton>
          <IconButton label="Facts" size="large" aria-pressed={facts} onClick={toggleFacts}>
            <Info aria-hidden />
          </IconButton>
        </div>
        <Stage key={asset.id} asset={asset} full={full} onFull={setFull} onExpired={onExpired} />
        {newer && (
          <Button
            className={`${styles.turn} ${styles.newer}`}
            aria-label="Newer picture"
            onClick={() => show(newer)}
          >
            <ChevronLeft aria-hidden />
          </Button>
        )}
        {older && (
          <Button
            className={`${styles.turn} ${styles.older}`}
            aria-label="Older picture"
            onClick={() => show(older)}
          >
            <ChevronRight aria-hidden />
          </Button>
        )}
      </div>
      <Facts asset={asset} hidden={!facts} filter={filter} />
    </main>
  );
}

/** The pictures before and after it on the wall it was opened from. */
function useNeighbours(id: string) {
  const filter = useSearch({ from: "/i/$id" });
  const { data, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } =
    useAssets(filter);
  const ids = useMemo(
    () => (data?.pages ?? []).flatMap((page) => page.items.map((one) => one.id)),
    [data],
  );
  const at = ids.indexOf(id);
  const last = at >= 0 && at >= ids.length - 2;
  const wantsMore = last && hasNextPage && !isFetchingNextPage && !isFetchNextPageError;
  useEffect(() => {
    if (wantsMore) void fetchNextPage();
  }, [wantsMore, fetchNextPage]);
  return at < 0 ? {} : { newer: ids[at - 1], older: ids[at + 1] };
}
