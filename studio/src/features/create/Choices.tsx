/** Model, shape and number: the three choices in sight. */
import type { Model } from "@/shared/api/types";
import { credits } from "@/shared/ui/format";
import { useNarrow } from "@/shared/ui/media";
import { type Choice, Picker } from "@/shared/ui/Picker";
import styles from "./composer.module.css";

type ModelProps = { models: readonly Model[]; value: string; onChange: (id: string) => void };

export function ModelPicker({ models, value, onChange }: ModelProps) {
  const narrow = useNarrow();
  const both = models.some((model) => model.kind === "text");
  const auto: Choice<string> = {
    value: "auto",
    label: "Auto",
    note: "The server chooses by what you ask for",
    group: both ? "Pictures" : "",
  };
  const rest = models.map<Choice<string>>((model) => ({
    value: model.id,
    label: model.name,
    note: model.available ? about(model) : (model.unavailable_reason ?? "Not available"),
    group: both ? (model.kind === "text" ? "Text" : "Pictures") : "",
    disabled: !model.available,
  }));
  return (
    <Picker
      label="Model"
      value={value}
      choices={[auto, ...rest]}
      onChange={onChange}
      minWidth={narrow ? 52 : 70}
      width={320}
    />
  );
}

function about(model: Model): string {
  const least = Math.min(...model.price.map((price) => price.credits));
  const speed = model.speed.p50_seconds;
  return [
    model.description,
    Number.isFinite(least) ? credits(least) : null,
    speed ? `about ${speed < 10 ? speed.toFixed(1) : Math.round(speed)} s` : null,
  ]
    .filter((part) => part)
    .join(" · ");
}

type AspectProps = { ratios: readonly string[]; value: string; onChange: (ratio: string) => void };

export function AspectPicker({ ratios, value, onChange }: AspectProps) {
  const narrow = useNarrow();
  const choices = ratios.map((ratio) => ({
    value: ratio,
    label: ratio,
    icon: <Shape ratio={ratio} />,
  }));
  return (
    <Picker
      label="Shape"
      value={value}
      choices={choices}
      onChange={onChange}
      minWidth={narrow ? 62 : 74}
    />
  );
}

function Shape({ ratio }: { ratio: string }) {
  const [w = 1, h = 1] = ratio.split(":").map(Number);
  const scale = 13 / Math.max(w, h);
  const [width, height] = [Math.max(4, w * scale), Math.max(4, h * scale)];
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" className={styles.shape}>
      <rect x={8 - width / 2} y={8 - height / 2} width={width} height={height} rx="1.5" />
    </svg>
  );
}

type CountProps = { max: number; value: number; onChange: (count: number) => void };

export function CountPicker({ max, value, onChange }: CountProps) {
  const narrow = useNarrow();
  const choices = Array.from({ length: max }, (_, i) => ({
    value: String(i + 1),
    label: `×${i + 1}`,
    note: i === 0 ? "One picture" : `${i + 1} variations`,
  }));
  return (
    <Picker
      label="Number"
      value={String(value)}
      choices={choices}
      onChange={(count) => onChange(Number(count))}
      minWidth={narrow ? 38 : 50}
    />
  );
}
