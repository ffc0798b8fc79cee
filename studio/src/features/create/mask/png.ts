/**
 * The mask as the server takes it: a PNG of the picture's size in which what is to be changed is transparent.
 *
 * Written here and not by a canvas: of the sizes that are taken, some are more than a phone's canvas can be, and two
 * colours are an eighth of a byte a pixel.
 */
import type { Pixels, Size } from "./marks";

type Bytes = Uint8Array<ArrayBuffer>;

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

export async function maskFile(pixels: Pixels, size: Size): Promise<File> {
  const parts = [
    new Uint8Array(SIGNATURE),
    chunk("IHDR", head(size)),
    chunk("PLTE", new Uint8Array(6)),
    // The first colour is opaque, the second is not there at all.
    chunk("tRNS", new Uint8Array([255, 0])),
    chunk("IDAT", await deflated(rowsOf(pixels, size))),
    chunk("IEND", new Uint8Array()),
  ];
  return new File(parts, "mask.png", { type: "image/png" });
}

function head({ width, height }: Size): Bytes {
  const bytes = new Uint8Array(13);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  // One bit a pixel, which is a place in the palette; the three ways to pack, filter and interlace are the usual ones.
  bytes.set([1, 3, 0, 0, 0], 8);
  return bytes;
}

/** Eight pixels a byte, the first one highest; before each row that it is not filtered. */
function rowsOf(pixels: Pixels, { width, height }: Size): Bytes {
  const long = 1 + Math.ceil(width / 8);
  const bytes = new Uint8Array(long * height);
  for (let row = 0; row < height; row += 1) {
    for (let x = 0; x < width; x += 1) {
      if (!pixels[row * width + x]) continue;
      const at = row * long + 1 + (x >> 3);
      bytes[at] = (bytes[at] ?? 0) | (0x80 >> (x & 7));
    }
  }
  return bytes;
}

async function deflated(bytes: Bytes): Promise<Bytes> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(name: string, data: Bytes): Bytes {
  const bytes = new Uint8Array(12 + data.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  bytes.set(new TextEncoder().encode(name), 4);
  bytes.set(data, 8);
  view.setUint32(8 + data.length, checksum(bytes.subarray(4, 8 + data.length)));
  return bytes;
}

/** CRC-32, bit by bit: what is summed up is small. */
function checksum(bytes: Uint8Array): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum >>> 0;
}
