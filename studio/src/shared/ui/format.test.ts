import { describe, expect, it } from "vitest";
import { about, bytes, inLine, ordinal } from "./format";

describe("ordinal", () => {
  it("knows the teens", () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 111].map(ordinal)).toEqual([
      "1st",
      "2nd",
      "3rd",
      "4th",
      "11th",
      "12th",
      "13th",
      "21st",
      "102nd",
      "111th",
    ]);
  });
});

describe("about", () => {
  it("never says that it takes no time, and carries over to the next unit", () => {
    expect([0, 0.4, 12.4, 59.4, 59.6, 300, 3599, 10_800].map(about)).toEqual([
      "1 s",
      "1 s",
      "12 s",
      "59 s",
      "1 min",
      "5 min",
      "1 h",
      "3 h",
    ]);
  });
});

describe("inLine", () => {
  it("says the place, and the time where somebody knows it", () => {
    expect(inLine({ position: 3, eta_seconds: 12.1 })).toBe("3rd in line, about 12 s");
    expect(inLine({ position: 1, eta_seconds: null })).toBe("Next in line");
  });

  it("does not count further than the server does", () => {
    expect(inLine({ position: 1000, eta_seconds: null })).toBe("Beyond 1,000th in line");
  });
});

describe("bytes", () => {
  it("is nothing only where there is nothing", () => {
    expect([0, 1, 1000, 1_500_000, 2_147_483_648].map(bytes)).toEqual([
      "0 kB",
      "1 kB",
      "1 kB",
      "1.5 MB",
      "2.1 GB",
    ]);
  });
});
