/** A text job: the words as they come. */
import type { Followed } from "@/shared/api/follow";
import { isEnded } from "@/shared/api/types";
import { Button } from "@/shared/ui/Button";
import { copy } from "@/shared/ui/clipboard";
import { Failure } from "./Failure";
import styles from "./turn.module.css";

export function TextOutput({
  followed: { job, variants },
  model,
}: {
  followed: Followed;
  model: string;
}) {
  const ended = isEnded(job.status);
  return (
    <div className={styles.texts}>
      {Array.from({ length: job.count }, (_, index) => {
        const output = job.outputs.find((one) => one.index === index);
        const text = output?.text ?? variants[index]?.text ?? "";
        if (ended && !text) return null;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the index is the output's identity
          <div key={index} className={styles.text}>
            <p>{text}</p>
            {ended && <Button onClick={() => copy(text, "Text")}>Copy text</Button>}
          </div>
        );
      })}
      {ended && job.status !== "completed" && <Failure job={job} model={model} />}
    </div>
  );
}
