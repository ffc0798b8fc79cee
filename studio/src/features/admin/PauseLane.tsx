/** Takes no more jobs of a lane for a while. Asks for how long, and for a word to those who wonder. */
import { useState } from "react";
import { complaint } from "@/shared/api/client";
import { Field } from "@/shared/forms/Field";
import form from "@/shared/forms/form.module.css";
import { Button } from "@/shared/ui/Button";
import { Modal } from "@/shared/ui/Modal";
import { usePause } from "./api";

const spans: readonly { label: string; seconds: number | null }[] = [
  { label: "Until it is resumed", seconds: null },
  { label: "5 minutes", seconds: 300 },
  { label: "1 hour", seconds: 3600 },
  { label: "1 day", seconds: 86_400 },
];

export function PauseLane({ lane, onClose }: { lane: string; onClose: () => void }) {
  const pause = usePause();
  const [span, setSpan] = useState(0);
  const [why, setWhy] = useState("");
  return (
    <Modal title={`Pause ${lane}`} onClose={onClose}>
      <form
        className={form.form}
        onSubmit={(event) => {
          event.preventDefault();
          const seconds = spans[span]?.seconds ?? null;
          pause.mutate({ lane, seconds, why }, { onSuccess: onClose });
        }}
      >
        <p>Its jobs wait, and keep their places. Those that run go on to their end.</p>
        <fieldset className={form.choices}>
          <legend>For how long</legend>
          {spans.map(({ label }, i) => (
            <label key={label}>
              <input type="radio" name="span" checked={span === i} onChange={() => setSpan(i)} />
              {label}
            </label>
          ))}
        </fieldset>
        <Field
          label="Why"
          hint="Shown to other administrators."
          value={why}
          onChange={setWhy}
          maxLength={500}
        />
        {pause.isError && (
          <p role="alert" className={form.problem}>
            {complaint(pause.error)}
          </p>
        )}
        <div className={form.buttons}>
          <Button type="submit" look="primary" size="large" disabled={pause.isPending}>
            Pause
          </Button>
          <Button size="large" onClick={onClose}>
            Keep it going
          </Button>
        </div>
      </form>
    </Modal>
  );
}
