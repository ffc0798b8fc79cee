/** A list to choose one thing from. The only file that knows Base UI's Select. */
import { Select } from "@base-ui/react/select";
import { Check, ChevronDown } from "lucide-react";
import type { ReactNode } from "react";
import { floats } from "./floats";
import styles from "./picker.module.css";

export type Choice<V extends string> = {
  value: V;
  label: string;
  note?: string | undefined;
  icon?: ReactNode;
  group?: string;
  disabled?: boolean;
};

type Props<V extends string> = {
  label: string;
  value: V;
  choices: readonly Choice<V>[];
  onChange: (value: V) => void;
  look?: "quiet" | "boxed" | "dense";
  /** Keeps the button's width while the list of choices is on its way. */
  minWidth?: number;
  id?: string;
};

export function Picker<V extends string>({
  label,
  value,
  choices,
  onChange,
  look = "quiet",
  minWidth,
  id,
}: Props<V>) {
  const chosen = choices.find((choice) => choice.value === value);
  const groups = [...new Set(choices.map((choice) => choice.group ?? ""))];
  const shape = look === "quiet" ? "" : `${styles.boxed} ${look === "dense" ? styles.dense : ""}`;
  return (
    <Select.Root
      value={value}
      onValueChange={(next) => next !== null && onChange(next as V)}
      items={choices.map(({ value, label }) => ({ value, label }))}
    >
      <Select.Trigger
        id={id}
        className={`${styles.trigger} ${shape}`}
        aria-label={`${label}: ${chosen?.label ?? value}`}
        style={minWidth ? { minWidth } : undefined}
      >
        <span className={styles.value}>
          {chosen?.icon}
          {chosen?.label ?? value}
        </span>
        <ChevronDown aria-hidden />
      </Select.Trigger>
      <Select.Portal container={floats}>
        <Select.Positioner
          className={styles.positioner ?? ""}
          positionMethod="fixed"
          sideOffset={6}
          alignItemWithTrigger={false}
          align="start"
        >
          <Select.Popup className={styles.popup ?? ""}>
            <Select.List aria-label={label}>
              {groups.map((group) => (
                <Select.Group key={group}>
                  {group && (
                    <Select.GroupLabel className={styles.group ?? ""}>{group}</Select.GroupLabel>
                  )}
                  {choices
                    .filter((choice) => (choice.group ?? "") === group)
                    .map((choice) => (
                      <Select.Item
                        key={choice.value}
                        value={choice.value}
                        disabled={choice.disabled ?? false}
                        className={styles.item ?? ""}
                      >
                        <span className={styles.label}>
                          {choice.icon}
                          <Select.ItemText>{choice.label}</Select.ItemText>
                        </span>
                        <Select.ItemIndicator className={styles.tick ?? ""}>
                          <Check aria-hidden />
                        </Select.ItemIndicator>
                        {choice.note && <span className={styles.note}>{choice.note}</span>}
                      </Select.Item>
                    ))}
                </Select.Group>
              ))}
            </Select.List>
          </Select.Popup>
        </Select.Positioner>
      </Select.Portal>
    </Select.Root>
  );
}
