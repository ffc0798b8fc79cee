/** Which jobs are listed. The choice lives in the address, so it can be kept and shared. */
import { useNavigate } from "@tanstack/react-router";
import type { JobFilter, JobStatus, JobType, Model } from "@/shared/api/types";
import { ModelFilter } from "@/shared/ui/ModelFilter";
import { Picker } from "@/shared/ui/Picker";
import page from "@/shared/ui/page.module.css";
import { SearchField } from "@/shared/ui/SearchField";
import styles from "./history.module.css";
import { stateNames } from "./State";

type Props = { filter: JobFilter; models: readonly Model[] };

export function Filters({ filter, models }: Props) {
  const navigate = useNavigate({ from: "/history" });
  const set = (change: JobFilter) =>
    void navigate({
      search: (before) => ({ ...before, ...change }),
      replace: true,
      resetScroll: false,
    });
  const texts = models.some(
    (model) => model.kind === "text" && (model.available || model.id === filter.model),
  );
  return (
    <div className={page.filters}>
      <SearchField
        label="Search prompts"
        value={filter.q ?? ""}
        onChange={(q) => set({ q: q || undefined })}
      />
      <Picker<JobStatus | "">
        label="State"
        look="dense"
        value={filter.status ?? ""}
        choices={[
          { value: "", label: "Any state" },
          ...(Object.entries(stateNames) as [JobStatus, string][]).map(([value, label]) => ({
            value,
            label,
          })),
        ]}
        onChange={(status) => set({ status: status || undefined })}
      />
      {texts && (
        <Picker<JobType | "">
          label="Kind"
          look="dense"
          value={filter.type ?? ""}
          choices={[
            { value: "", label: "Pictures and text" },
            { value: "image", label: "Pictures" },
            { value: "text", label: "Text" },
          ]}
          onChange={(type) => set({ type: type || undefined })}
        />
      )}
      <ModelFilter models={models} value={filter.model} onChange={(model) => set({ model })} />
      <fieldset className={styles.dates}>
        <legend className="hidden-visually">Created</legend>
        <label>
          From
          <input
            type="date"
            value={filter.from ?? ""}
            max={filter.to}
            onChange={(event) => set({ from: event.target.value || undefined })}
          />
        </label>
        <label>
          to
          <input
            type="date"
            value={filter.to ?? ""}
            min={filter.from}
            onChange={(event) => set({ to: event.target.value || undefined })}
          />
        </label>
      </fieldset>
    </div>
  );
}
