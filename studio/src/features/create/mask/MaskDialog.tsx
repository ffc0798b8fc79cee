/** Marks what of a picture is to be changed. Nothing else of it will be. */
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useAsset } from "@/shared/api/assets";
import { keys } from "@/shared/api/keys";
import type { Asset } from "@/shared/api/types";
import { sendFile, whyNot } from "@/shared/api/upload";
import { Button } from "@/shared/ui/Button";
import { Modal } from "@/shared/ui/Modal";
import { remember, useEarlier } from "./earlier";
import {
  type Box,
  type History,
  type Mark,
  nothingMarked,
  type Pixels,
  pixelsOf,
  redo,
  undo,
  withMark,
} from "./marks";
import styles from "./mask.module.css";
import { maskFile } from "./png";
import { Surface } from "./Surface";
import { BoxFields, BrushSize, Steps, type Tool, ToolChoice } from "./Tools";

type Props = {
  /** The picture, and the mask it has already. */
  reference: string;
  mask: string | null;
  onMask: (mask: string | null) => void;
  onClose: () => void;
};

export function MaskDialog({ reference, ...props }: Props) {
  const { data, refetch } = useAsset(reference);
  return (
    <Modal title="Mark what to change" wide keep onClose={props.onClose}>
      {data ? (
        <Marking asset={data} onExpired={() => void refetch()} {...props} />
      ) : (
        <div className={styles.stage} aria-busy="true" />
      )}
    </Modal>
  );
}

/** Closed without Done: it is still there when one comes back. */
let unfinished: { of: string; history: History } | null = null;

const hints: Record<Tool, string> = {
  brush: "Paint over what should change. The rest stays as it is.",
  eraser: "Paint over what should stay as it is.",
  box: "Drag over the picture, or write the place in pixels from the top left.",
};

type MarkingProps = Omit<Props, "reference"> & { asset: Asset; onExpired: () => void };

function Marking({ asset, mask, onMask, onClose, onExpired }: MarkingProps) {
  const of = `${asset.id} ${mask}`;
  const [history, setHistory] = useState(
    unfinished?.of === of ? unfinished.history : nothingMarked,
  );
  const [said, setSaid] = useState("");
  const [tool, setTool] = useState<Tool>("brush");
  const [share, setShare] = useState(12);
  const [box, setBox] = useState(() => middleOf(asset));
  const earlier = useEarlier(mask, asset);
  const radius = Math.max(0.5, (Math.min(asset.width, asset.height) * share) / 200);

  const change = (next: History, words: string) => {
    unfinished = { of, history: next };
    setHistory(next);
    setSaid(words);
    save.reset();
  };
  const add = (one: Mark) => change(withMark(history, one), wordsFor(one));
  const takeBack = () => history.marks.length > 0 && change(undo(history), "Undone");
  const doAgain = () => history.undone.length > 0 && change(redo(history), "Redone");

  const save = useSave(asset, (id) => {
    unfinished = null;
    onMask(id);
    onClose();
  });
  const done = () => {
    if (save.isPending || !earlier.ready) return;
    if (history.marks.length === 0) onClose();
    else save.mutate(() => pixelsOf(history.marks, asset, earlier.pixels));
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) doAgain();
    else takeBack();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys that undo; the buttons do so, too
    <div className={styles.marking} onKeyDown={onKeyDown}>
      <Surface
        asset={asset}
        marks={history.marks}
        earlier={earlier.pixels}
        tool={tool}
        radius={radius}
        box={box}
        onBox={setBox}
        onMark={add}
        onExpired={onExpired}
      />
      <div className={styles.bar}>
        <ToolChoice value={tool} onChange={setTool} />
        {tool === "box" ? (
          <BoxFields value={box} size={asset} onChange={setBox} onMark={add} />
        ) : (
          <BrushSize value={share} pixels={2 * radius} onChange={setShare} />
        )}
        <Steps history={history} onUndo={takeBack} onRedo={doAgain} onMark={add} />
      </div>
      <div className={styles.foot}>
        {save.error || earlier.problem ? (
          <p className={styles.problem} role="alert">
            {save.error ? `It could not be kept. ${whyNot(save.error)}` : earlier.problem}
          </p>
        ) : (
          <p className={styles.hint}>{hints[tool]}</p>
        )}
        <span className="hidden-visually" role="status">
          {said}
        </span>
        <Button
          look="primary"
          size="large"
          aria-disabled={save.isPending || !earlier.ready}
          onClick={done}
        >
          {save.isPending ? "Keeping it…" : "Done"}
        </Button>
      </div>
    </div>
  );
}

const middleOf = ({ width, height }: Asset): Box => ({
  left: Math.round(width / 4),
  top: Math.round(height / 4),
  width: Math.round(width / 2),
  height: Math.round(height / 2),
});

function wordsFor(mark: Mark): string {
  if (mark.kind === "invert") return "Inverted";
  if (mark.kind === "clear") return "Cleared";
  return mark.erases ? "Erased" : "Marked";
}

/** Of the largest pictures the pixels take a second: that something goes on is seen before. */
const paintedOnce = () =>
  new Promise((go) => window.requestAnimationFrame(() => window.setTimeout(go)));

/** Uploads the mask; null where nothing is marked, which needs none. Given up when the dialog is closed. */
function useSave(asset: Asset, onDone: (id: string | null) => void) {
  const cache = useQueryClient();
  const stop = useRef<AbortController>(null);
  useEffect(() => () => stop.current?.abort(), []);
  return useMutation({
    mutationFn: async (make: () => Pixels) => {
      await paintedOnce();
      const pixels = make();
      if (!pixels.includes(1)) return null;
      stop.current = new AbortController();
      const file = await maskFile(pixels, asset);
      const kept = await sendFile(file, () => undefined, stop.current.signal);
      cache.setQueryData(keys.asset(kept.id), kept);
      void cache.invalidateQueries({ queryKey: keys.allAssets });
      remember(kept.id, pixels);
      return kept.id;
    },
    onSuccess: onDone,
  });
}
