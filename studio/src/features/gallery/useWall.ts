/** Which part of the wall is in sight. */
import { type RefObject, useLayoutEffect, useMemo, useState } from "react";
import type { Asset } from "@/shared/api/types";
import { day } from "@/shared/ui/format";
import { between, hang, type Row } from "./layout";

export function useWall(
  box: RefObject<HTMLDivElement | null>,
  assets: readonly Asset[],
  target: number,
) {
  const width = useWidth(box);
  const wall = useMemo(() => {
    const now = new Date();
    const shapes = assets.map((asset) => ({
      id: asset.id,
      ratio: asset.width / asset.height,
      day: day(asset.created_at, now),
    }));
    // A phone's width takes two or three to a row, whatever was chosen at the desk.
    return hang(shapes, width, Math.min(target, Math.max(120, width * 0.42)));
  }, [assets, width, target]);
  const [from, to] = useRange(box, wall.rows);
  return { wall, width, visible: wall.rows.slice(from, to), nearEnd: to >= wall.rows.length };
}

function useWidth(box: RefObject<HTMLDivElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = () => setWidth(element.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  return width;
}

function useRange(box: RefObject<HTMLDivElement | null>, rows: readonly Row[]) {
  const [range, setRange] = useState<readonly [number, number]>([0, 0]);
  useLayoutEffect(() => {
    const look = () => {
      const top = -(box.current?.getBoundingClientRect().top ?? 0);
      // Half a screen each way: enough for a fling, and the number of elements stays bounded.
      const spare = window.innerHeight / 2;
      const [from, to] = between(rows, top - spare, top + window.innerHeight + spare);
      setRange((before) => (before[0] === from && before[1] === to ? before : [from, to]));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [box, rows]);
  return range;
}
