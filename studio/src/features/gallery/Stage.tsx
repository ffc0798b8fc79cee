/** The picture itself: whole, or pixel for pixel with a hand to move it. */
import { type PointerEvent, useLayoutEffect, useRef, useState } from "react";
import type { Asset } from "@/shared/api/types";
import { useBroken } from "@/shared/ui/Picture";
import { impression } from "@/shared/ui/thumbhash";
import styles from "./lightbox.module.css";

type Props = {
  asset: Asset;
  full: boolean;
  onFull: (full: boolean) => void;
  onExpired: () => void;
};

export function Stage({ asset, full, onFull, onExpired }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const drag = useRef<{ x: number; y: number; left: number; top: number; moved: boolean } | null>(
    null,
  );
  const aim = useRef({ x: 0.5, y: 0.5 });
  const [loaded, setLoaded] = useState(false);
  const [broken, fail] = useBroken(onExpired);
  const under = impression(asset.thumbhash);
  const scale = 1 / window.devicePixelRatio;

  // Full size opens at the point that was clicked.
  useLayoutEffect(() => {
    const element = box.current;
    if (!full || !element) return;
    element.scrollLeft = aim.current.x * element.scrollWidth - element.clientWidth / 2;
    element.scrollTop = aim.current.y * element.scrollHeight - element.clientHeight / 2;
  }, [full]);

  const press = (event: PointerEvent<HTMLDivElement>) => {
    const element = box.current;
    // A finger scrolls and pinches by itself.
    if (!element || event.pointerType !== "mouse" || event.button !== 0) return;
    drag.current = {
      x: event.clientX,
      y: event.clientY,
      left: element.scrollLeft,
      top: element.scrollTop,
      moved: false,
    };
    if (full) element.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent<HTMLDivElement>) => {
    const from = drag.current;
    const element = box.current;
    if (!from || !element || !full) return;
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
    if (Math.abs(dx) + Math.abs(dy) > 4) from.moved = true;
    element.scrollLeft = from.left - dx;
    element.scrollTop = from.top - dy;
  };
  const release = (event: PointerEvent<HTMLDivElement>) => {
    const from = drag.current;
    drag.current = null;
    if (!from || from.moved) return;
    const frame = box.current?.firstElementChild?.getBoundingClientRect();
    if (frame) {
      aim.current = {
        x: (event.clientX - frame.left) / frame.width,
        y: (event.clientY - frame.top) / frame.height,
      };
    }
    onFull(!full);
  };

  return (
    <div
      ref={box}
      className={full ? styles.full : styles.whole}
      onPointerDown={press}
      onPointerMove={move}
      onPointerUp={release}
      {...(full ? { tabIndex: 0, role: "region", "aria-label": "Picture in full size" } : {})}
    >
      <div
        className={styles.frame}
        style={
          full
            ? { width: asset.width * scale, height: asset.height * scale }
            : ({ "--ratio": asset.width / asset.height } as React.CSSProperties)
        }
      >
        {under && !loaded && <img src={under} alt="" className={styles.layer} />}
        {asset.thumbnails["640"] && !loaded && (
          <img src={asset.thumbnails["640"]} alt="" className={styles.layer} />
        )}
        {broken !== asset.url && (
          <img
            src={asset.url}
            alt={asset.prompt ?? ""}
            className={styles.layer}
            draggable={false}
            onLoad={() => setLoaded(true)}
            onError={() => fail(asset.url)}
          />
        )}
      </div>
    </div>
  );
}
