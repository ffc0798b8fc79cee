/** A stored picture in a box of its own ratio: fades in over whatever the box shows, asks anew when its link has expired. */
import { useEffect, useRef, useState } from "react";
import type { OutputAsset } from "@/shared/api/types";
import styles from "./picture.module.css";

type Props = {
  asset: OutputAsset;
  /** How wide it is shown, for the browser's choice of file: a CSS length. */
  sizes: string;
  alt?: string;
  /** The link has run out: fetch a fresh one. */
  onExpired?: (() => void) | undefined;
  eager?: boolean;
  /** For a frame that outgrows the previews on a sharp screen. Megabytes: never on a phone, never on a wall. */
  original?: boolean;
};

const OPENING_MS = 5000;

/** Previews fit into a square of their name: the long side, not the width. */
function sources(asset: OutputAsset, original: boolean): string {
  const long = Math.max(asset.width, asset.height);
  const sides = Object.entries(asset.thumbnails);
  const previews = sides
    .filter(([side]) => Number(side) < long)
    .map(([side, url]) => `${url} ${Math.round((Number(side) * asset.width) / long)}w`);
  // One that is smaller than the largest preview is its own best preview.
  const whole = original || previews.length < sides.length ? [`${asset.url} ${asset.width}w`] : [];
  return [...previews, ...whole].join(", ");
}

export function Picture({
  asset,
  sizes,
  alt = "",
  onExpired,
  eager = false,
  original = false,
}: Props) {
  // A page that has just been opened shows its pictures; it does not develop them once more.
  const [fades] = useState(() => performance.now() > OPENING_MS);
  const [loaded, setLoaded] = useState<string | null>(null);
  const [broken, fail] = useBroken(onExpired);
  if (broken === asset.url) return null;
  return (
    <img
      // Its own element per address: the fade belongs to the file that arrives, not to the one before.
      key={asset.url}
      ref={(image) => {
        // Already in the browser's cache: no event will come, and no fade is needed.
        if (image?.complete && image.naturalWidth > 0) setLoaded(asset.url);
      }}
      className={`${styles.image} ${loaded === asset.url ? styles.shown : ""} ${fades ? styles.fades : ""}`}
      src={asset.thumbnails["640"] ?? asset.url}
      srcSet={sources(asset, original)}
      sizes={sizes}
      alt={alt}
      width={asset.width}
      height={asset.height}
      loading={eager ? "eager" : "lazy"}
      fetchPriority={eager ? "high" : "auto"}
      decoding="async"
      draggable={false}
      onLoad={() => setLoaded(asset.url)}
      onError={() => fail(asset.url)}
    />
  );
}

const AGAIN_MS = 2000;

/** The address that did not load. The link may have run out, or it was the network: it is tried again, ever later. */
export function useBroken(onExpired?: () => void) {
  const [broken, setBroken] = useState<string | null>(null);
  const failures = useRef(0);
  useEffect(() => {
    if (!broken) return;
    const again = () => setBroken(null);
    const timer = window.setTimeout(again, AGAIN_MS * 2 ** failures.current);
    failures.current += 1;
    window.addEventListener("online", again);
    return () => {
      window.clearTimeout(timer);
      window.removeEventListener("online", again);
    };
  }, [broken]);
  const fail = (url: string) => {
    setBroken(url);
    onExpired?.();
  };
  return [broken, fail] as const;
}
