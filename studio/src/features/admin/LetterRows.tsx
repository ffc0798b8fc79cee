/** One dead letter as a row, and all that is known about it below when opened. */
import { ChevronDown } from "lucide-react";
import { useState } from "react";
import { modelName, useModels } from "@/shared/api/catalogue";
import { Button, IconButton } from "@/shared/ui/Button";
import { count, moment } from "@/shared/ui/format";
import table from "@/shared/ui/table.module.css";
import { titleOf } from "@/shared/ui/wording";
import styles from "./admin.module.css";
import type { Letter } from "./api";
import { JobId } from "./JobId";
import { LetterFacts } from "./LetterFacts";

type Props = {
  letter: Letter;
  marked: boolean;
  busy: boolean;
  onMark: (on: boolean) => void;
  onReplay: () => void;
  onDiscard: () => void;
};

export function LetterRows({ letter, marked, busy, onMark, onReplay, onDiscard }: Props) {
  const { models } = useModels();
  const [open, setOpen] = useState(false);
  const about = `“${letter.prompt.slice(0, 60)}”`;
  return (
    <>
      <tr data-letter={letter.job_id} data-state={letter.state}>
        <td>
          {letter.state === "open" && (
            <input
              type="checkbox"
              className={styles.mark}
              aria-label={`Choose ${about}`}
              checked={marked}
              onChange={(event) => onMark(event.target.checked)}
            />
          )}
        </td>
        <td className={`${table.strong} ${styles.reason}`}>
          {titleOf(letter.code)}
          {letter.error && <span className={table.note}>{letter.error.detail}</span>}
        </td>
        <td className={table.wide}>
          <span className={styles.prompt}>{letter.prompt}</span>
        </td>
        <td>{modelName(models, letter.model)}</td>
        <td className={table.number} data-label="Attempts">
          {count(letter.attempts)}
        </td>
        <td className={table.number}>
          <time dateTime={letter.at}>{moment(letter.at)}</time>
        </td>
        <td className={table.actions}>
          {letter.state === "open" && (
            <>
              <Button
                look="outline"
                disabled={busy}
                aria-label={`Replay ${about}`}
                onClick={onReplay}
              >
                Replay
              </Button>{" "}
              <Button disabled={busy} aria-label={`Discard ${about}`} onClick={onDiscard}>
                Discard
              </Button>
            </>
          )}
          {letter.replayed_as && (
            <span>
              Replayed as <JobId id={letter.replayed_as} owner={letter.owner_id} />
            </span>
          )}
          {letter.state === "discarded" && <span>Discarded</span>}
          <IconButton
            label={`${open ? "Close" : "Open"} ${about}`}
            className={styles.chevron}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            <ChevronDown aria-hidden />
          </IconButton>
        </td>
      </tr>
      {open && (
        <tr className={styles.opened}>
          <td colSpan={7}>
            <LetterFacts letter={letter} />
          </td>
        </tr>
      )}
    </>
  );
}
