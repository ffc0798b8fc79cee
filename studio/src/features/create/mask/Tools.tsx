/** What one marks with. */
import {
  Brush,
  Contrast,
  Eraser,
  type LucideIcon,
  Redo2,
  SquareDashed,
  Trash2,
  Undo2,
} from "lucide-react";
import type { FormEvent } from "react";
import { Button, IconButton } from "@/shared/ui/Button";
import more from "../more.module.css";
import type { Box, History, Mark, Size } from "./marks";
import styles from "./mask.module.css";

export type Tool = "brush" | "eraser" | "box";

const tools: readonly { value: Tool; name: string; Icon: LucideIcon }[] = [
  { value: "brush", name: "Brush", Icon: Brush },
  { value: "eraser", name: "Eraser", Icon: Eraser },
  { value: "box", name: "Rectangle", Icon: SquareDashed },
];

type ChoiceProps = { value: Tool; onChange: (tool: Tool) => void };

export function ToolChoice({ value, onChange }: ChoiceProps) {
  return (
    <fieldset className={`${more.segments} ${styles.tools}`}>
      <legend className="hidden-visually">Mark with</legend>
      {tools.map(({ value: tool, name, Icon }) => (
        <label key={tool}>
          <input
            type="radio"
            name="mask-tool"
            checked={tool === value}
            data-first={tool === value || undefined}
            onChange={() => onChange(tool)}
          />
          <Icon aria-hidden />
          {name}
        </label>
      ))}
    </fieldset>
  );
}

type WidthProps = { value: number; pixels: number; onChange: (share: number) => void };

/** value: of the picture's shorter side, in percent. */
export function BrushSize({ value, pixels, onChange }: WidthProps) {
  return (
    <label className={styles.size}>
      Brush size
      <input
        type="range"
        min={1}
        max={60}
        value={value}
        aria-valuetext={`${Math.round(pixels)} pixels`}
        onChange={(event) => onChange(Number(event.target.value))}
      />
    </label>
  );
}

const sides: readonly { side: keyof Box; name: string }[] = [
  { side: "left", name: "Left" },
  { side: "top", name: "Top" },
  { side: "width", name: "Width" },
  { side: "height", name: "Height" },
];

type BoxProps = {
  value: Box;
  size: Size;
  onChange: (box: Box) => void;
  onMark: (mark: Mark) => void;
};

/** The rectangle in numbers, for whoever has no pointer or wants it exact. */
export function BoxFields({ value, size, onChange, onMark }: BoxProps) {
  const most = { left: size.width, top: size.height, ...size };
  const mark = (event: FormEvent) => {
    event.preventDefault();
    // The composer this was opened from is a form, too, and hears of it.
    event.stopPropagation();
    onMark({ kind: "box", erases: false, box: value });
  };
  return (
    <form className={styles.sides} aria-label="Rectangle, in pixels" onSubmit={mark}>
      {sides.map(({ side, name }) => (
        <label key={side}>
          {name}
          <input
            type="number"
            inputMode="numeric"
            min={0}
            max={most[side]}
            value={value[side]}
            onChange={(event) => {
              const pixels = Math.round(Number(event.target.value) || 0);
              onChange({ ...value, [side]: Math.min(most[side], Math.max(0, pixels)) });
            }}
          />
        </label>
      ))}
      <Button type="submit" look="outline">
        Mark it
      </Button>
      <Button onClick={() => onMark({ kind: "box", erases: true, box: value })}>Erase it</Button>
    </form>
  );
}

type StepProps = {
  history: History;
  onUndo: () => void;
  onRedo: () => void;
  onMark: (mark: Mark) => void;
};

export function Steps({ history: { marks, undone }, onUndo, onRedo, onMark }: StepProps) {
  return (
    <div className={styles.steps}>
      <IconButton label="Undo" aria-disabled={marks.length === 0} onClick={onUndo}>
        <Undo2 aria-hidden />
      </IconButton>
      <IconButton label="Redo" aria-disabled={undone.length === 0} onClick={onRedo}>
        <Redo2 aria-hidden />
      </IconButton>
      <Button onClick={() => onMark({ kind: "invert" })}>
        <Contrast aria-hidden />
        Invert
      </Button>
      <Button onClick={() => onMark({ kind: "clear" })}>
        <Trash2 aria-hidden />
        Clear
      </Button>
    </div>
  );
}
