/** The mask that is set already, as pixels to go on from. */
import { useEffect, useState } from "react";
import { useAsset } from "@/shared/api/assets";
import type { Pixels, Size } from "./marks";

/** The last one that was made here: what one has is not read again. */
let made: { id: string; pixels: Pixels } | null = null;

export function remember(id: string, pixels: Pixels): void {
  made = { id, pixels };
}

type Earlier = { pixels: Pixels | undefined; ready: boolean; problem: string | null };

const none: Earlier = { pixels: undefined, ready: true, problem: null };

const unreadable: Earlier = {
  ...none,
  problem: "The mask that is set could not be read. What you mark now takes its place.",
};

export function useEarlier(mask: string | null, size: Size): Earlier {
  const { data, isError } = useAsset(mask ?? "", mask !== null && made?.id !== mask);
  const [read, setRead] = useState<Earlier>({ ...none, ready: false });
  const { width, height } = size;
  const url = data?.url;
  useEffect(() => {
    if (!url) return;
    let wanted = true;
    readMask(url, { width, height }).then(
      (pixels) => wanted && setRead({ ...none, pixels }),
      () => wanted && setRead(unreadable),
    );
    return () => {
      wanted = false;
    };
  }, [url, width, height]);
  if (mask === null) return none;
  if (made?.id === mask) return { ...none, pixels: made.pixels };
  return isError ? unreadable : read;
}

/** As many rows at a time as any canvas has room for. */
const STRIP = 512;

/** Rejects where the picture's place does not let a page look into it. */
async function readMask(url: string, { width, height }: Size): Promise<Pixels> {
  const image = new Image();
  image.crossOrigin = "anonymous";
  image.src = url;
  await image.decode();
  if (image.naturalWidth !== width || image.naturalHeight !== height) throw new Error("Other size");
  const pixels: Pixels = new Uint8Array(width * height);
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = STRIP;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new Error("No canvas");
  for (let top = 0; top < height; top += STRIP) {
    context.clearRect(0, 0, width, STRIP);
    context.drawImage(image, 0, -top);
    const { data } = context.getImageData(0, 0, width, Math.min(STRIP, height - top));
    for (let i = 0; i < data.length / 4; i += 1)
      pixels[top * width + i] = (data[4 * i + 3] ?? 255) < 128 ? 1 : 0;
  }
  return pixels;
}
