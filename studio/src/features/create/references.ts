/**
 * The pictures an order starts from, in the order in which they are sent. Kept outside of the page: an upload goes
 * on while somebody looks at the gallery, and a finished one is still there after a reload.
 */
import { freshKey } from "@/shared/api/random";
import { TAKEN_UP } from "@/shared/api/session";
import type { Asset } from "@/shared/api/types";
import { sendFile, whyNot } from "@/shared/api/upload";
import { makeStore } from "@/shared/ui/store";
import { read, write } from "@/shared/ui/stored";
import { toast } from "@/shared/ui/toast";
import { REFERENCES_MAX } from "./draft";

export type Reference = {
  key: string;
  /** Null until the server has it. */
  id: string | null;
  name: string;
  /** The file itself, as long as it is all there is to see. */
  preview: string | null;
  /** Of the upload, 0..1. */
  progress: number;
  problem: string | null;
  /** The picture that says what of this one is to be changed. Only the first has one. */
  mask: string | null;
};

const KEY = "safelight.references";
const MASK_KEY = "safelight.mask";
/** HTTP/1.1 has six connections for all tabs, and the page needs some itself. */
const AT_ONCE = 3;

const isIds = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string" && one !== "");

/** A mask, and of which reference. */
type Masked = { of: string; id: string } | null;

const isMasked = (value: unknown): value is Masked =>
  typeof value === "object" &&
  value !== null &&
  ["of", "id"].every((key) => typeof (value as Record<string, unknown>)[key] === "string");

const known = (id: string, mask: string | null = null): Reference => ({
  key: id,
  id,
  name: "",
  preview: null,
  progress: 1,
  problem: null,
  mask,
});

type Upload = { file: File; stop: AbortController; onDone: (asset: Asset) => void };

function stored(): readonly Reference[] {
  const ids = read<string[]>(KEY, [], isIds).slice(0, REFERENCES_MAX);
  const masked = read<Masked>(MASK_KEY, null, isMasked);
  return ids.map((id, i) => known(id, i === 0 && masked?.of === id ? masked.id : null));
}

const attached = makeStore(stored());
const uploads = new Map<string, Upload>();
const waiting: string[] = [];
let sending = 0;

function show(next: readonly Reference[]): void {
  const [first] = next;
  write(KEY, idsOf(next));
  write(MASK_KEY, first?.id && first.mask ? { of: first.id, id: first.mask } : null);
  attached.set(next);
}

window.addEventListener(TAKEN_UP, () => attached.set(stored()));

const change = (key: string, what: Partial<Reference>) =>
  show(attached.get().map((one) => (one.key === key ? { ...one, ...what } : one)));

export const useReferences = attached.use;

export const idsOf = (references: readonly Reference[]): string[] =>
  references.flatMap(({ id }) => id ?? []);

export const maskOf = ([first]: readonly Reference[]): string | null => first?.mask ?? null;

/** As many as there is room for; says so when that is not all. */
function fitting<T>(wanted: readonly T[]): readonly T[] {
  const room = REFERENCES_MAX - attached.get().length;
  if (wanted.length > room) toast(`${REFERENCES_MAX} references at most`);
  return wanted.slice(0, Math.max(0, room));
}

export function addPictures(ids: readonly string[]): void {
  const list = attached.get();
  const news = ids.filter((id) => list.every((one) => one.id !== id));
  show([...list, ...fitting(news).map((id) => known(id))]);
}

/** Once more from what a job started from. A mask comes along where it is about the first picture here, too. */
export function startAgain(ids: readonly string[], mask: string | null): void {
  addPictures(ids);
  const [first] = attached.get();
  if (first && first.id === ids[0]) setMask(first.key, mask);
}

export const setMask = (key: string, mask: string | null): void => change(key, { mask });

/** The next picture is to start from this one. */
export function startFrom(id: string): void {
  addPictures([id]);
  document.getElementById("prompt")?.focus();
}

export function addFiles(files: readonly File[], onDone: (asset: Asset) => void): void {
  const news = fitting(files).map((file): Reference => {
    const key = freshKey();
    uploads.set(key, { file, stop: new AbortController(), onDone });
    waiting.push(key);
    const { name } = file;
    const preview = URL.createObjectURL(file);
    return { key, id: null, name, preview, progress: 0, problem: null, mask: null };
  });
  show([...attached.get(), ...news]);
  sendNext();
}

function sendNext(): void {
  while (sending < AT_ONCE) {
    const key = waiting.shift();
    if (key === undefined) return;
    const upload = uploads.get(key);
    if (upload) void send(key, upload);
  }
}

async function send(key: string, { file, stop, onDone }: Upload): Promise<void> {
  sending += 1;
  try {
    const asset = await sendFile(file, (progress) => change(key, { progress }), stop.signal);
    onDone(asset);
    arrive(key, asset.id);
  } catch (error) {
    if (!stop.signal.aborted) change(key, { problem: whyNot(error) });
  } finally {
    sending -= 1;
    sendNext();
  }
}

function arrive(key: string, id: string): void {
  uploads.delete(key);
  // The same file twice is one picture.
  if (attached.get().some((one) => one.id === id)) removeReference(key);
  else change(key, { id, progress: 1 });
}

export function retryUpload(key: string): void {
  const upload = uploads.get(key);
  if (!upload) return;
  change(key, { problem: null, progress: 0 });
  waiting.push(key);
  sendNext();
}

export function removeReference(key: string): void {
  uploads.get(key)?.stop.abort();
  uploads.delete(key);
  const list = attached.get();
  const gone = list.find((one) => one.key === key);
  if (gone?.preview) URL.revokeObjectURL(gone.preview);
  show(list.filter((one) => one.key !== key));
}

/** Painting is work: what is taken away together with it can be had back. */
export function takeAway(key: string): void {
  const before = attached.get();
  const gone = before.find((one) => one.key === key);
  removeReference(key);
  if (!gone?.id || !gone.mask) return;
  const { id, mask } = gone;
  toast("The mask went with its reference", {
    label: "Undo",
    act: () => {
      const others = attached.get().filter((one) => one.id !== id);
      if (others.length < REFERENCES_MAX) show([known(id, mask), ...others.map(unmasked)]);
    },
  });
}

export function removeMask({ key, mask }: Reference): void {
  setMask(key, null);
  toast("Mask removed", { label: "Undo", act: () => setMask(key, mask) });
}

const unmasked = (one: Reference): Reference => ({ ...one, mask: null });

/** They went along with an order. What was added meanwhile stays. */
export function releaseReferences(ids: readonly string[]): void {
  for (const one of attached.get()) if (one.id && ids.includes(one.id)) removeReference(one.key);
}
