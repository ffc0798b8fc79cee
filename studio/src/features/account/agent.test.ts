import { describe, expect, it } from "vitest";
import { agentName } from "./agent";

describe("agentName", () => {
  it("says browser and system as people do, whoever else it claims to be", () => {
    const mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15";
    expect(agentName(`${mac} (KHTML, like Gecko) Version/18.1 Safari/605.1.15`)).toBe(
      "Safari on Mac",
    );
    expect(agentName(`${mac} Chrome/140.0 Safari/537.36 Edg/140.0`)).toBe("Edge on Mac");
    expect(
      agentName("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/1"),
    ).toBe("Chrome on Android");
    expect(
      agentName("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
    ).toBe("Firefox on Linux");
  });

  it("keeps what it does not know readable", () => {
    expect(agentName("curl/8.5.0")).toBe("curl");
    expect(agentName("")).toBe("Unknown browser");
    expect(agentName(null)).toBe("Unknown browser");
  });
});
