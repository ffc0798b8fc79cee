import { expect, it } from "vitest";
import { summary } from "./summary";

it("counts what runs and what waits apart", () => {
  expect(summary(["processing", "pending", "processing"])).toBe("2 running, 1 waiting");
  expect(summary(["pending"])).toBe("1 waiting");
});
