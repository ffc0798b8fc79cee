import { describe, expect, it } from "vitest";
import {
  boxBetween,
  type Mark,
  nothingMarked,
  type Pixels,
  type Point,
  pixelsOf,
  redo,
  type Size,
  undo,
  withMark,
} from "./marks";

const size: Size = { width: 40, height: 30 };

const stroke = (radius: number, points: readonly Point[], erases = false): Mark => ({
  kind: "stroke",
  erases,
  radius,
  points,
});

const box = (left: number, top: number, width: number, height: number, erases = false): Mark => ({
  kind: "box",
  erases,
  box: { left, top, width, height },
});

const at = (pixels: Pixels, x: number, y: number) => pixels[y * size.width + x];
const count = (pixels: Pixels) => pixels.reduce((sum, pixel) => sum + pixel, 0);

/** The slow way: every pixel whose middle is not farther from the line than the brush reaches. */
function nearLine([a, b]: readonly [Point, Point], radius: number): number[] {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  return Array.from({ length: size.width * size.height }, (_, i) => {
    const [x, y] = [(i % size.width) + 0.5, Math.floor(i / size.width) + 0.5];
    const along = ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy || 1);
    const t = Math.min(1, Math.max(0, along));
    return Math.hypot(x - a[0] - t * dx, y - a[1] - t * dy) <= radius ? 1 : 0;
  });
}

describe("pixelsOf", () => {
  it("has one for every pixel of the picture, and none is marked", () => {
    expect(pixelsOf([], size)).toHaveLength(1200);
    expect(count(pixelsOf([], size))).toBe(0);
  });

  it("marks what the brush has gone over, in any direction", () => {
    const lines: [Point, Point][] = [
      [
        [10, 10],
        [10, 10],
      ],
      [
        [5, 15],
        [33, 15],
      ],
      [
        [20, 4],
        [20, 26],
      ],
      [
        [8.3, 24.1],
        [31.7, 5.9],
      ],
      [
        [30, 25],
        [12, 20],
      ],
    ];
    for (const line of lines) {
      expect([...pixelsOf([stroke(4.2, line)], size)]).toEqual(nearLine(line, 4.2));
    }
  });

  it("goes on from point to point without a gap", () => {
    const pixels = pixelsOf(
      [
        stroke(2, [
          [5, 5],
          [20, 5],
          [20, 20],
        ]),
      ],
      size,
    );
    expect([at(pixels, 12, 5), at(pixels, 20, 12), at(pixels, 12, 12)]).toEqual([1, 1, 0]);
  });

  it("keeps within the picture", () => {
    const pixels = pixelsOf(
      [
        stroke(6, [
          [-3, 15],
          [43, 15],
        ]),
        box(30, 20, 500, 500),
      ],
      size,
    );
    expect([at(pixels, 0, 15), at(pixels, 39, 15), at(pixels, 39, 29)]).toEqual([1, 1, 1]);
    expect(at(pixels, 0, 29)).toBe(0);
    expect(count(pixelsOf([stroke(6, [[90, 90]]), box(-20, -20, 10, 10)], size))).toBe(0);
  });

  it("takes away again, inverts and clears, in the order in which it was done", () => {
    const marks = [box(10, 10, 10, 10), box(12, 12, 4, 4, true)];
    const pixels = pixelsOf(marks, size);
    expect([at(pixels, 10, 10), at(pixels, 13, 13), at(pixels, 9, 10)]).toEqual([1, 0, 0]);
    expect(count(pixels)).toBe(84);
    expect(count(pixelsOf([...marks, { kind: "invert" }], size))).toBe(1200 - 84);
    expect(count(pixelsOf([{ kind: "invert" }, ...marks], size))).toBe(1200 - 16);
    expect(count(pixelsOf([...marks, { kind: "clear" }, box(0, 0, 2, 3)], size))).toBe(6);
  });

  it("adds to what was marked earlier and leaves that as it is", () => {
    const earlier = pixelsOf([box(0, 0, 5, 5)], size);
    expect(count(pixelsOf([box(20, 20, 2, 2)], size, earlier))).toBe(29);
    expect(count(pixelsOf([box(0, 0, 5, 1, true)], size, earlier))).toBe(20);
    expect(count(earlier)).toBe(25);
  });
});

describe("boxBetween", () => {
  it("is the same from either corner, whole and within the picture", () => {
    const whole = { left: 3, top: 5, width: 20, height: 9 };
    expect(boxBetween([3.2, 5.4], [22.6, 14.1], size)).toEqual(whole);
    expect(boxBetween([22.6, 14.1], [3.2, 5.4], size)).toEqual(whole);
    expect(boxBetween([-9, -9], [99, 99], size)).toEqual({ left: 0, top: 0, ...size });
  });
});

describe("the history", () => {
  const [first, second] = [box(0, 0, 1, 1), box(1, 1, 1, 1)];
  const both = withMark(withMark(nothingMarked, first), second);

  it("takes back the last mark, and marks it again", () => {
    expect(undo(both)).toEqual({ marks: [first], undone: [second] });
    expect(redo(undo(both))).toEqual(both);
    expect(redo(redo(undo(undo(both))))).toEqual(both);
    expect(undo(nothingMarked)).toEqual(nothingMarked);
    expect(redo(both)).toEqual(both);
  });

  it("forgets what was taken back when something else is marked", () => {
    expect(redo(withMark(undo(both), first)).marks).toEqual([first, first]);
  });
});
