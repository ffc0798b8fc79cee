import { beforeEach, describe, expect, it, vi } from "vitest";
import { forget, putAway, safeBack, TAKEN_UP, takeUp } from "./session";

const stored = new Map<string, string>();
const heard: string[] = [];

beforeEach(() => {
  stored.clear();
  heard.length = 0;
  vi.stubGlobal("localStorage", {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value),
    removeItem: (key: string) => stored.delete(key),
  });
  vi.stubGlobal("window", { dispatchEvent: (event: Event) => heard.push(event.type) });
});

describe("safeBack", () => {
  const origin = "https://pictures.example";

  it("goes on where one was", () => {
    expect(safeBack("/gallery?q=heron#top", origin)).toBe("/gallery?q=heron#top");
    expect(safeBack(undefined, origin)).toBe("/");
  });

  it("never leads to another site, whatever a link says", () => {
    for (const back of [
      "//evil.example/a",
      "/\\evil.example",
      "\\\\evil.example",
      "https://evil.example/",
      "javascript:alert(1)",
      "/\t/evil.example",
      "/..//evil.example/a",
      "/.//evil.example",
    ]) {
      expect(safeBack(back, origin)).toBe("/");
    }
  });

  it("does not come back to the door itself", () => {
    expect(safeBack("/login?back=/login", origin)).toBe("/");
    expect(safeBack("/register", origin)).toBe("/");
  });
});

describe("what is written and not sent", () => {
  it("waits for the one who wrote it", () => {
    takeUp("ada");
    stored.set("safelight.draft", "half a thought");
    putAway();
    expect(stored.has("safelight.draft")).toBe(false);
    takeUp("ada");
    expect(stored.get("safelight.draft")).toBe("half a thought");
    expect(heard).toEqual([TAKEN_UP]);
  });

  it("is not there for the next one, nor for the first one after the next", () => {
    takeUp("ada");
    stored.set("safelight.draft", "half a thought");
    putAway();
    takeUp("bob");
    expect([...stored.values()].join()).not.toContain("half a thought");
    takeUp("ada");
    expect([...stored.values()].join()).not.toContain("half a thought");
  });

  it("is not there for somebody who comes without a goodbye of the first one", () => {
    takeUp("ada");
    stored.set("safelight.draft", "half a thought");
    takeUp("bob");
    expect([...stored.values()].join()).not.toContain("half a thought");
    expect(heard).toEqual([TAKEN_UP]);
  });

  it("is not there for a visitor, and waits", () => {
    takeUp("ada");
    stored.set("safelight.draft", "half a thought");
    takeUp(null);
    expect(stored.has("safelight.draft")).toBe(false);
    takeUp("ada");
    expect(stored.get("safelight.draft")).toBe("half a thought");
    expect(heard).toEqual([TAKEN_UP, TAKEN_UP]);
  });

  it("goes along when a visitor becomes somebody", () => {
    takeUp(null);
    stored.set("safelight.draft", "half a thought");
    putAway();
    takeUp("ada");
    expect(stored.get("safelight.draft")).toBe("half a thought");
  });

  it("is the newer words where there are some", () => {
    takeUp("ada");
    stored.set("safelight.draft", "half a thought");
    putAway();
    stored.set("safelight.draft", "a whole thought");
    takeUp("ada");
    expect(stored.get("safelight.draft")).toBe("a whole thought");
  });

  it("is gone with whoever logs out", () => {
    takeUp("ada");
    stored.set("safelight.draft", "half a thought");
    forget();
    expect(stored.size).toBe(0);
  });
});
