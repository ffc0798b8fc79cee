/** Sends a file as a picture to start from. */
import { Trouble, told, troubleOf, unreachable } from "./client";
import type { Asset } from "./types";

/**
 * The picture it became. `onProgress` is told which share of it has left; fetch cannot say that, so this is the one
 * request that is made the old way. Rejects with a Trouble, or with an AbortError when `signal` says so.
 */
export function sendFile(
  file: File,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Asset> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file);
    request.open("POST", "/api/assets");
    request.responseType = "json";
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    };
    request.onload = () => {
      if (request.status === 201 || request.status === 200) resolve(request.response as Asset);
      else reject(told(troubleOf(request.response, headOf(request))));
    };
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new DOMException("Not wanted any more.", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

const headOf = (request: XMLHttpRequest) => ({
  status: request.status,
  headers: { get: (name: string) => request.getResponseHeader(name) },
});

/** One sentence for the place where the file would be. */
export const whyNot = (error: unknown): string =>
  error instanceof Trouble ? (error.fields[0]?.message ?? error.detail) : String(error);
