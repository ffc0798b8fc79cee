/**
 * Where every picture of the wall hangs: rows of one height, whole pictures in their own ratio, one heading a day.
 * Numbers only, so a few thousand pictures are laid out in a few milliseconds and only the visible ones exist.
 */
export type Shape = { id: string; ratio: number; day: string };

export type Tile = { index: number; x: number; width: number };
export type Row =
  | { kind: "day"; top: number; height: number; text: string }
  | { kind: "tiles"; top: number; height: number; tiles: readonly Tile[] };

export type Wall = { rows: readonly Row[]; height: number };

const DAY_PX = 44;
export const GAP_PX = 6;

/** `target` is the height rows aim at; they grow or shrink a little so that both edges are straight. */
export function hang(shapes: readonly Shape[], width: number, target: number): Wall {
  const rows: Row[] = [];
  let top = 0;
  let start = 0;
  while (start < shapes.length && width > 0) {
    const text = shapes[start]?.day ?? "";
    let end = start;
    while (end < shapes.length && shapes[end]?.day === text) end += 1;
    rows.push({ kind: "day", top, height: DAY_PX, text });
    top += DAY_PX;
    for (const row of justify(shapes, start, end, width, target)) {
      rows.push({ ...row, top });
      top += row.height + GAP_PX;
    }
    start = end;
  }
  return { rows, height: top };
}

function* justify(
  shapes: readonly Shape[],
  start: number,
  end: number,
  width: number,
  target: number,
) {
  let first = start;
  let sum = 0;
  for (let i = start; i < end; i += 1) {
    sum += shapes[i]?.ratio ?? 1;
    const gaps = (i - first) * GAP_PX;
    const height = (width - gaps) / sum;
    // Full as soon as it would be lower than asked; one that would tower over the others waits for more.
    if (height <= target * 1.15) {
      yield place(shapes, first, i + 1, height);
      first = i + 1;
      sum = 0;
    }
  }
  // What is left of a day keeps the asked height: two pictures are not blown up to the page's width.
  if (first < end) yield place(shapes, first, end, target);
}

function place(shapes: readonly Shape[], from: number, to: number, height: number) {
  const tiles: Tile[] = [];
  let x = 0;
  for (let index = from; index < to; index += 1) {
    const width = (shapes[index]?.ratio ?? 1) * height;
    tiles.push({ index, x, width });
    x += width + GAP_PX;
  }
  return { kind: "tiles" as const, height, tiles };
}

/** The rows between two heights: first index, and one past the last. */
export function between(rows: readonly Row[], from: number, to: number): readonly [number, number] {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const row = rows[middle];
    if (row && row.top + row.height < from) low = middle + 1;
    else high = middle;
  }
  let end = low;
  while (end < rows.length && (rows[end]?.top ?? 0) <= to) end += 1;
  return [low, end];
}

/** Where a tile is, by its place in the list. */
export function rowOf(rows: readonly Row[], index: number): number {
  return rows.findIndex(
    (row) => row.kind === "tiles" && row.tiles.some((tile) => tile.index === index),
  );
}

/** The tile one step away; up and down go to the one that hangs nearest. */
export function step(wall: Wall, index: number, key: string, count: number): number {
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  if (key === "ArrowLeft") return Math.max(0, index - 1);
  if (key === "ArrowRight") return Math.min(count - 1, index + 1);
  const by = key === "ArrowUp" ? -1 : 1;
  const here = rowOf(wall.rows, index);
  const tile = tileAt(wall.rows[here], index);
  if (!tile) return index;
  const centre = tile.x + tile.width / 2;
  for (let i = here + by; i >= 0 && i < wall.rows.length; i += by) {
    const row = wall.rows[i];
    if (row?.kind !== "tiles") continue;
    const away = (one: Tile) => Math.abs(one.x + one.width / 2 - centre);
    return row.tiles.reduce((best, one) => (away(one) < away(best) ? one : best)).index;
  }
  return index;
}

const tileAt = (row: Row | undefined, index: number): Tile | undefined =>
  row?.kind === "tiles" ? row.tiles.find((tile) => tile.index === index) : undefined;
