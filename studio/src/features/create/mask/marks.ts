/** What was marked on a picture, one after the other, and the pixels that makes. */
export type Size = { width: number; height: number };
export type Point = readonly [x: number, y: number];
export type Box = { left: number; top: number } & Size;

/** In pixels of the picture, from its top left. */
export type Mark =
  | { kind: "stroke"; erases: boolean; radius: number; points: readonly Point[] }
  | { kind: "box"; erases: boolean; box: Box }
  | { kind: "invert" }
  | { kind: "clear" };

/** One byte a pixel, row by row; 1: it is to be changed. */
export type Pixels = Uint8Array<ArrayBuffer>;

/** earlier: what the marks were added to. */
export function pixelsOf(marks: readonly Mark[], size: Size, earlier?: Pixels): Pixels {
  const pixels: Pixels = earlier ? earlier.slice() : new Uint8Array(size.width * size.height);
  for (const mark of marks) apply(mark, pixels, size);
  return pixels;
}

function apply(mark: Mark, pixels: Pixels, size: Size): void {
  switch (mark.kind) {
    case "stroke":
      for (const [i, point] of mark.points.entries())
        fillLine(pixels, size, mark, mark.points[i - 1] ?? point, point);
      break;
    case "box":
      fillBox(pixels, size, mark.box, mark.erases ? 0 : 1);
      break;
    case "invert":
      for (let i = 0; i < pixels.length; i += 1) pixels[i] = pixels[i] ? 0 : 1;
      break;
    case "clear":
      pixels.fill(0);
  }
}

function fillBox(pixels: Pixels, size: Size, { left, top, width, height }: Box, value: number) {
  const last = Math.min(size.height, top + height);
  for (let row = Math.max(0, top); row < last; row += 1)
    fillRow(pixels, size, row, left, left + width, value);
}

type Pen = { radius: number; erases: boolean };

/**
 * A line with round ends, as wide as the brush: from where to where it covers each row. Both ends are discs, between
 * them are two edges. Nothing is allocated on the way: a long stroke crosses millions of rows.
 */
function fillLine(pixels: Pixels, size: Size, { radius, erases }: Pen, a: Point, b: Point): void {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [nx, ny] = [(-dy / length) * radius, (dx / length) * radius];
  const first = Math.max(0, Math.floor(Math.min(a[1], b[1]) - radius));
  const last = Math.min(size.height - 1, Math.ceil(Math.max(a[1], b[1]) + radius));
  for (let row = first; row <= last; row += 1) {
    const y = row + 0.5;
    const [atA, atB] = [reach(radius, y - a[1]), reach(radius, y - b[1])];
    let from = Math.min(a[0] - atA, b[0] - atB);
    let to = Math.max(a[0] + atA, b[0] + atB);
    for (let side = -1; side <= 1; side += 2) {
      const along = (y - a[1] - side * ny) / dy;
      if (!(along >= 0 && along <= 1)) continue;
      const x = a[0] + side * nx + along * dx;
      from = Math.min(from, x);
      to = Math.max(to, x);
    }
    fillRow(pixels, size, row, from, to, erases ? 0 : 1);
  }
}

/** How far a disc reaches to both sides of its middle, so far above it or below. Where it is not, less than nothing. */
function reach(radius: number, above: number): number {
  const rest = radius * radius - above * above;
  return rest < 0 ? Number.NEGATIVE_INFINITY : Math.sqrt(rest);
}

/** The pixels of a row whose middles lie in between. */
function fillRow(pixels: Pixels, size: Size, row: number, from: number, to: number, value: number) {
  const first = Math.max(0, Math.ceil(from - 0.5));
  const end = Math.min(size.width, Math.floor(to - 0.5) + 1);
  if (first < end) pixels.fill(value, row * size.width + first, row * size.width + end);
}

/** The box between two corners, in whole pixels and within the picture. */
export function boxBetween(a: Point, b: Point, size: Size): Box {
  const [left, right] = between(a[0], b[0], size.width);
  const [top, bottom] = between(a[1], b[1], size.height);
  return { left, top, width: right - left, height: bottom - top };
}

const between = (a: number, b: number, most: number): [number, number] => [
  Math.max(0, Math.round(Math.min(a, b))),
  Math.min(most, Math.round(Math.max(a, b))),
];

/** What is marked, and what was taken back and can be marked again. */
export type History = { marks: readonly Mark[]; undone: readonly Mark[] };

export const nothingMarked: History = { marks: [], undone: [] };

export const withMark = ({ marks }: History, mark: Mark): History => ({
  marks: [...marks, mark],
  undone: [],
});

export function undo({ marks, undone }: History): History {
  const last = marks.at(-1);
  return last ? { marks: marks.slice(0, -1), undone: [...undone, last] } : { marks, undone };
}

export function redo({ marks, undone }: History): History {
  const last = undone.at(-1);
  return last ? { marks: [...marks, last], undone: undone.slice(0, -1) } : { marks, undone };
}
