/**
 * What is written in the composer. Kept outside of the page: the answer to an order can come while somebody looks
 * at the gallery. Kept over a reload, too: half a prompt is work.
 */
import { TAKEN_UP } from "@/shared/api/session";
import { makeStore } from "@/shared/ui/store";
import { read, write } from "@/shared/ui/stored";
import { type Draft, freshDraft, isDraft } from "./draft";

const KEY = "safelight.draft";

const stored = (): Draft => read(KEY, freshDraft, isDraft);

const written = makeStore(stored());

window.addEventListener(TAKEN_UP, () => written.set(stored()));

export const useDraft = written.use;

export function changeDraft(change: (before: Draft) => Draft): void {
  const next = change(written.get());
  write(KEY, next);
  written.set(next);
}
