/** The picture, whole, and what is marked on it; a mouse, a finger or a pen marks more. */
import {
  type CSSProperties,
  type PointerEvent,
  type RefObject,
  useEffect,
  useRef,
  useState,
} from "react";
import type { Asset } from "@/shared/api/types";
import { Picture } from "@/shared/ui/Picture";
import { type Box, boxBetween, type Mark, type Pixels, type Point } from "./marks";
import styles from "./mask.module.css";
import { paint, paintAll } from "./paint";
import type { Tool } from "./Tools";

type Props = {
  asset: Asset;
  marks: readonly Mark[];
  earlier: Pixels | undefined;
  tool: Tool;
  /** Of the brush, in pixels of the picture. */
  radius: number;
  box: Box;
  onBox: (box: Box) => void;
  onMark: (mark: Mark) => void;
  onExpired: () => void;
};

export function Surface({ asset, marks, earlier, tool, radius, box, ...on }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const begun = useRef<Point[] | null>(null);
  const [aim, setAim] = useState<Point | null>(null);
  usePainted(canvas, { marks, earlier, asset });

  const pointOf = ({ clientX, clientY }: { clientX: number; clientY: number }): Point => {
    const place = frame.current?.getBoundingClientRect() ?? new DOMRect(0, 0, 1, 1);
    return [
      ((clientX - place.left) / place.width) * asset.width,
      ((clientY - place.top) / place.height) * asset.height,
    ];
  };
  const strokeOf = (points: readonly Point[]): Mark => ({
    kind: "stroke",
    erases: tool === "eraser",
    radius,
    points,
  });
  /** What is new of it is shown at once; all of it becomes a mark when it ends. */
  const follow = (points: readonly Point[]) => {
    const from = begun.current;
    if (!from) return;
    const last = from.at(-1);
    from.push(...points);
    const [first] = from;
    const now = from.at(-1);
    if (tool === "box") {
      if (first && now) on.onBox(boxBetween(first, now, asset));
    } else if (canvas.current) {
      paint(canvas.current, strokeOf(last ? [last, ...points] : points), asset);
    }
  };
  const begin = (event: PointerEvent<HTMLElement>) => {
    if (!event.isPrimary || event.button !== 0) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    begun.current = [];
    follow([pointOf(event)]);
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    if (!event.isPrimary) return;
    setAim(event.pointerType === "touch" ? null : pointOf(event));
    const steps = event.nativeEvent.getCoalescedEvents?.() ?? [];
    follow((steps.length > 0 ? steps : [event]).map(pointOf));
  };
  const end = (event: PointerEvent<HTMLElement>) => {
    // A second finger that is lifted ends nothing.
    if (!event.isPrimary) return;
    const points = begun.current;
    begun.current = null;
    if (!points) return;
    if (tool !== "box") on.onMark(strokeOf(points));
    else if (box.width > 0 && box.height > 0) on.onMark({ kind: "box", erases: false, box });
  };
  const stop = (event: PointerEvent<HTMLElement>) => {
    if (!event.isPrimary) return;
    begun.current = null;
    if (canvas.current) paintAll(canvas.current, marks, asset, earlier);
  };

  return (
    <div
      className={styles.stage}
      data-tool={tool}
      onPointerDown={begin}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={stop}
      onPointerLeave={() => setAim(null)}
    >
      <div
        ref={frame}
        className={styles.frame}
        style={{ "--ratio": asset.width / asset.height } as CSSProperties}
      >
        <Picture
          asset={asset}
          sizes="(max-width: 640px) 92vw, 900px"
          eager
          original
          onExpired={on.onExpired}
        />
        <canvas
          ref={canvas}
          className={styles.marks}
          role="img"
          aria-label="The picture and what is marked on it. Painting needs a pointer; Rectangle works from the keyboard, too."
        />
        {tool === "box" && <span className={styles.box} style={inShares(box, asset)} />}
        {tool !== "box" && aim && (
          <span
            className={styles.ring}
            style={inShares(
              {
                left: aim[0] - radius,
                top: aim[1] - radius,
                width: 2 * radius,
                height: 2 * radius,
              },
              asset,
            )}
          />
        )}
      </div>
    </div>
  );
}

/** A place on the picture, whatever size that is shown in. */
const inShares = ({ left, top, width, height }: Box, asset: Asset): CSSProperties => ({
  left: `${(100 * left) / asset.width}%`,
  top: `${(100 * top) / asset.height}%`,
  width: `${(100 * width) / asset.width}%`,
  height: `${(100 * height) / asset.height}%`,
});

type Painted = { marks: readonly Mark[]; earlier: Pixels | undefined; asset: Asset };

/** As sharp as the screen is, also after the window has got another size. */
function usePainted(
  canvas: RefObject<HTMLCanvasElement | null>,
  { marks, earlier, asset }: Painted,
) {
  const show = () => {
    if (canvas.current) paintAll(canvas.current, marks, asset, earlier);
  };
  const latest = useRef(show);
  latest.current = show;
  // biome-ignore lint/correctness/useExhaustiveDependencies: they are what is painted
  useEffect(() => latest.current(), [marks, earlier]);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return;
    const size = new ResizeObserver(() => {
      element.width = Math.round(element.clientWidth * window.devicePixelRatio);
      element.height = Math.round(element.clientHeight * window.devicePixelRatio);
      latest.current();
    });
    size.observe(element);
    return () => size.disconnect();
  }, [canvas]);
}
