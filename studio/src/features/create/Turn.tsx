/** One job of the conversation: the prompt, its frames, and what can be done with it. */
import { memo, useState } from "react";
import { modelName } from "@/shared/api/catalogue";
import { useFollowed } from "@/shared/api/jobs";
import { isEnded, type Job, type Model } from "@/shared/api/types";
import { Actions } from "./Actions";
import { Failure } from "./Failure";
import { Frames } from "./Frames";
import { Notes } from "./Notes";
import { TextOutput } from "./TextOutput";
import styles from "./turn.module.css";
import { Used } from "./Used";
import { Waiting } from "./Waiting";

type Props = {
  seed: Job;
  models: readonly Model[];
  onEdit: (job: Job) => void;
  heading: string | null;
  newest: boolean;
};

export const Turn = memo(function Turn({ seed, models, onEdit, heading, newest }: Props) {
  const followed = useFollowed(seed);
  const { job } = followed;
  // A failure one has watched keeps its frame, so that nothing jumps; an old one is a line.
  const [watched] = useState(!isEnded(job.status));
  const name = modelName(models, job.model);
  const made = job.outputs.some((output) => output.asset || output.text);
  const lost = (job.status === "failed" || job.status === "cancelled") && !made;
  const long = job.prompt.length > 280;

  return (
    <article
      className={styles.turn}
      aria-label={job.prompt.slice(0, 120)}
      data-job={job.id}
      data-status={job.status}
    >
      {heading && <h2 className={styles.day}>{heading}</h2>}
      <p className={long ? styles.promptLong : styles.prompt}>{job.prompt}</p>
      <Used ids={job.references} mask={job.mask} />
      {lost && !watched ? (
        <div className={styles.line}>
          <Failure job={job} model={name} />
        </div>
      ) : job.type === "text" ? (
        <TextOutput followed={followed} model={name} />
      ) : (
        <Frames followed={followed} model={name} eager={newest} />
      )}
      {isEnded(job.status) ? (
        <Actions job={job} models={models} model={name} onEdit={onEdit} />
      ) : (
        <Waiting followed={followed} model={name} />
      )}
      <Notes job={job} />
    </article>
  );
});
