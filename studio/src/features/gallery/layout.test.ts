import { describe, expect, it } from "vitest";
import { between, GAP_PX, hang, type Shape, step } from "./layout";

const wall = (ratios: number[], day: (i: number) => string = () => "Today"): Shape[] =>
  ratios.map((ratio, i) => ({ id: String(i), ratio, day: day(i) }));

const many = wall(
  Array.from({ length: 3000 }, (_, i) => [1, 1.5, 0.66, 1.78][i % 4] ?? 1),
  (i) => `day ${Math.floor(i / 37)}`,
);

describe("hang", () => {
  it("shows every picture once and in order", () => {
    const shown = hang(many, 1100, 200).rows.flatMap((row) =>
      row.kind === "tiles" ? row.tiles.map((tile) => tile.index) : [],
    );
    expect(shown).toEqual(many.map((_, i) => i));
  });

  it("fills full rows to both edges and never beyond", () => {
    for (const row of hang(many, 1100, 200).rows) {
      if (row.kind !== "tiles") continue;
      const last = row.tiles.at(-1);
      const right = (last?.x ?? 0) + (last?.width ?? 0);
      expect(right).toBeLessThanOrEqual(1100.01);
    }
  });

  it("keeps each picture's own ratio", () => {
    const { rows } = hang(wall([2, 0.5, 1]), 900, 200);
    for (const row of rows) {
      if (row.kind !== "tiles") continue;
      for (const tile of row.tiles) {
        expect(tile.width / row.height).toBeCloseTo([2, 0.5, 1][tile.index] ?? 0);
      }
    }
  });

  it("does not blow up what is left of a day", () => {
    const row = hang(wall([1]), 1100, 200).rows.at(-1);
    expect(row?.height).toBe(200);
  });

  it("stacks rows without overlap", () => {
    const { rows, height } = hang(many, 640, 160);
    rows.forEach((row, i) => {
      const next = rows[i + 1];
      if (next) expect(next.top).toBeGreaterThanOrEqual(row.top + row.height);
    });
    expect(height).toBeCloseTo((rows.at(-1)?.top ?? 0) + (rows.at(-1)?.height ?? 0) + GAP_PX);
  });
});

describe("between", () => {
  it("finds the rows in sight, and only those", () => {
    const { rows } = hang(many, 1100, 200);
    const [from, to] = between(rows, 5000, 6000);
    expect(to - from).toBeLessThan(12);
    expect(rows[from]).toMatchObject({ top: expect.any(Number) });
    expect((rows[from]?.top ?? 0) + (rows[from]?.height ?? 0)).toBeGreaterThanOrEqual(5000);
    expect(rows[to]?.top ?? 6001).toBeGreaterThan(6000);
  });
});

describe("step", () => {
  it("goes down to the picture that hangs nearest, over a heading", () => {
    const hung = hang(
      wall([1, 1, 1, 1, 1], (i) => (i < 2 ? "Today" : "Yesterday")),
      700,
      200,
    );
    expect(step(hung, 1, "ArrowDown", 5)).toBe(3);
    expect(step(hung, 3, "ArrowUp", 5)).toBe(1);
    expect(step(hung, 4, "ArrowRight", 5)).toBe(4);
    expect(step(hung, 0, "ArrowUp", 5)).toBe(0);
  });
});
