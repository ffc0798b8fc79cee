/** A picture's 25-byte impression, drawn once per picture and kept for the last 600. */
import { thumbHashToDataURL } from "thumbhash";

const drawn = new Map<string, string>();

export function impression(hash: string | null | undefined): string | undefined {
  if (!hash) return undefined;
  const known = drawn.get(hash);
  if (known) return known;
  try {
    const bytes = Uint8Array.from(atob(hash), (char) => char.charCodeAt(0));
    const url = thumbHashToDataURL(bytes);
    const oldest = drawn.keys().next().value;
    if (drawn.size >= 600 && oldest !== undefined) drawn.delete(oldest);
    drawn.set(hash, url);
    return url;
  } catch {
    return undefined;
  }
}
