/** Of which model: among those that can be used, and the one that was chosen when it could be. */
import type { Model } from "@/shared/api/types";
import { Picker } from "./Picker";

type Props = {
  models: readonly Model[];
  value: string | undefined;
  onChange: (model: string | undefined) => void;
};

export function ModelFilter({ models, value, onChange }: Props) {
  const usable = models.filter((model) => model.available || model.id === value);
  if (usable.length < 2) return null;
  return (
    <Picker
      label="Model"
      look="dense"
      value={value ?? ""}
      choices={[
        { value: "", label: "All models" },
        ...usable.map((model) => ({ value: model.id, label: model.name })),
      ]}
      onChange={(model) => onChange(model || undefined)}
    />
  );
}
