/** The choices most prompts do without. A field is only there when the model can do it. */
import { Dices, X } from "lucide-react";
import type { Trouble } from "@/shared/api/client";
import { randomSeed } from "@/shared/api/random";
import type { Priority, Style } from "@/shared/api/types";
import { IconButton } from "@/shared/ui/Button";
import { Picker } from "@/shared/ui/Picker";
import type { Abilities, Draft } from "./draft";
import styles from "./more.module.css";

export type OptionsProps = {
  draft: Draft;
  can: Abilities;
  guides: readonly Style[];
  trouble: Trouble | null;
  onChange: (change: Partial<Draft>) => void;
};

const priorities: readonly { value: Priority; label: string }[] = [
  { value: "low", label: "Low" },
  { value: "normal", label: "Normal" },
  { value: "high", label: "High" },
];

export function Options({ draft, can, guides, trouble, onChange }: OptionsProps) {
  const problem = (field: string) => trouble?.fields.find((one) => one.field === field)?.message;
  return (
    <div className={styles.fields}>
      {guides.length > 0 && (
        <div className={styles.field}>
          <span className={styles.name}>Style</span>
          <Picker
            label="Style"
            look="boxed"
            width={288}
            value={draft.style}
            choices={[
              { value: "", label: "None" },
              ...guides.map((guide) => ({ value: guide.id, label: guide.name })),
            ]}
            onChange={(style) => onChange({ style })}
          />
          <Problem id="style-problem">{problem("style")}</Problem>
        </div>
      )}
      {can.negative && (
        <label className={styles.field}>
          <span className={styles.name}>Without</span>
          <textarea
            rows={2}
            value={draft.negative}
            placeholder="What should not be in it"
            aria-describedby="negative-problem"
            onChange={(event) => onChange({ negative: event.target.value })}
          />
          <Problem id="negative-problem">{problem("negative_prompt")}</Problem>
        </label>
      )}
      {can.seed && (
        <Seed value={draft.seed} problem={problem("parameters.seed")} onChange={onChange} />
      )}
      <fieldset className={styles.field}>
        <legend className={styles.name}>Priority</legend>
        <div className={styles.segments}>
          {priorities.map(({ value, label }) => (
            <label key={value}>
              <input
                type="radio"
                name="priority"
                checked={draft.priority === value}
                onChange={() => onChange({ priority: value })}
              />
              {label}
            </label>
          ))}
        </div>
      </fieldset>
    </div>
  );
}

type SeedProps = {
  value: number | null;
  problem: string | undefined;
  onChange: (change: Partial<Draft>) => void;
};

function Seed({ value, problem, onChange }: SeedProps) {
  return (
    <div className={styles.field}>
      <label className={styles.name} htmlFor="seed">
        Seed
      </label>
      <div className={styles.seed}>
        <input
          id="seed"
          inputMode="numeric"
          placeholder="Random"
          autoComplete="off"
          value={value ?? ""}
          aria-describedby="seed-problem"
          onChange={(event) => {
            const digits = event.target.value.replace(/\D/g, "").slice(0, 10);
            onChange({ seed: digits === "" ? null : Math.min(Number(digits), 2 ** 31 - 1) });
          }}
        />
        {value !== null && (
          <IconButton label="A random seed each time" onClick={() => onChange({ seed: null })}>
            <X aria-hidden />
          </IconButton>
        )}
        <IconButton label="Roll a seed" onClick={() => onChange({ seed: randomSeed() })}>
          <Dices aria-hidden />
        </IconButton>
      </div>
      <span className={styles.hint}>The same seed and words make the same picture again</span>
      <Problem id="seed-problem">{problem}</Problem>
    </div>
  );
}

function Problem({ id, children }: { id: string; children: string | undefined }) {
  return (
    <span id={id} className={styles.problem}>
      {children}
    </span>
  );
}
