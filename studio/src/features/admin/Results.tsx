/** What became of each of them. */
import { X } from "lucide-react";
import { IconButton } from "@/shared/ui/Button";
import { titleOf } from "@/shared/ui/wording";
import styles from "./admin.module.css";
import type { Deed, Letter, Outcome } from "./api";
import { JobId } from "./JobId";

export type Told = {
  deed: Deed;
  letters: readonly Letter[];
  outcomes: readonly Outcome[];
};

const done: Record<Deed, string> = { replay: "ordered again", discard: "discarded" };

export function Results({
  told: { deed, letters, outcomes },
  onClose,
}: {
  told: Told;
  onClose: () => void;
}) {
  const refused = outcomes.filter((outcome) => outcome.code !== null).length;
  const parts = [
    outcomes.length > refused && `${outcomes.length - refused} ${done[deed]}`,
    refused > 0 && `${refused} not`,
  ];
  return (
    <section className={styles.results} aria-label="What became of them">
      <div className={styles.head}>
        <p role="status">{parts.filter((part) => part).join(", ")}</p>
        <IconButton label="Close the results" onClick={onClose}>
          <X aria-hidden />
        </IconButton>
      </div>
      <ul>
        {outcomes.map((outcome) => {
          const letter = letters.find((one) => one.job_id === outcome.job_id);
          return (
            <li key={outcome.job_id} data-refused={outcome.code !== null}>
              <span className={styles.which}>{letter?.prompt ?? outcome.job_id}</span>
              <span>
                {outcome.code ? (
                  <>
                    {titleOf(outcome.code)}. {outcome.detail}
                  </>
                ) : outcome.replayed_as ? (
                  <>
                    Ordered again as <JobId id={outcome.replayed_as} owner={letter?.owner_id} />
                  </>
                ) : (
                  "Discarded"
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
