import { describe, expect, it } from "vitest";
import { maskFile } from "./png";

type Chunk = { name: string; data: Uint8Array<ArrayBuffer> };

function chunksOf(bytes: Uint8Array<ArrayBuffer>): Chunk[] {
  const view = new DataView(bytes.buffer);
  const found: Chunk[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = view.getUint32(at);
    const name = new TextDecoder().decode(bytes.subarray(at + 4, at + 8));
    found.push({ name, data: bytes.slice(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return found;
}

const inflated = async (data: Uint8Array<ArrayBuffer>) => {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream("deflate"));
  return [...new Uint8Array(await new Response(stream).arrayBuffer())];
};

describe("maskFile", () => {
  it("is a PNG of this size in which what is marked is transparent", async () => {
    const pixels = new Uint8Array(10 * 2);
    pixels.set([1, 0, 1], 0);
    pixels.set([1], 19);
    const file = await maskFile(pixels, { width: 10, height: 2 });
    expect([file.name, file.type]).toEqual(["mask.png", "image/png"]);

    const bytes = new Uint8Array(await file.arrayBuffer());
    expect([...bytes.subarray(1, 4)].map((code) => String.fromCharCode(code)).join("")).toBe("PNG");
    const chunks = chunksOf(bytes);
    expect(chunks.map(({ name }) => name)).toEqual(["IHDR", "PLTE", "tRNS", "IDAT", "IEND"]);
    const data = (name: string) =>
      chunks.find((one) => one.name === name)?.data ?? new Uint8Array();
    expect([...data("IHDR")]).toEqual([0, 0, 0, 10, 0, 0, 0, 2, 1, 3, 0, 0, 0]);
    expect([...data("tRNS")]).toEqual([255, 0]);
    expect(await inflated(data("IDAT"))).toEqual([0, 0b10100000, 0, 0, 0, 0b01000000]);
  });

  it("ends with the checksum that every PNG ends with", async () => {
    const file = await maskFile(new Uint8Array(1), { width: 1, height: 1 });
    const bytes = new Uint8Array(await file.arrayBuffer());
    expect([...bytes.subarray(-12)]).toEqual([0, 0, 0, 0, 73, 69, 78, 68, 0xae, 0x42, 0x60, 0x82]);
  });
});
