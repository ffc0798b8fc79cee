/** Before the first picture. */
import type { Model } from "@/shared/api/types";
import styles from "./create.module.css";

const examples = [
  "A heron over tin roofs in the first light, risograph, two colours",
  "A lighthouse in a winter storm, seen from the sea at dusk",
  "A bowl of ripe lemons on a blue table, late afternoon sun",
];

type Props = { models: readonly Model[]; loaded: boolean; onPick: (prompt: string) => void };

export function FirstRun({ models, loaded, onPick }: Props) {
  const able = models.some((model) => model.available);
  if (loaded && !able) {
    return (
      <div className={styles.first}>
        <h2>No provider is connected yet</h2>
        <p>
          Whoever runs this server can add one: a key in its environment switches a provider on.
        </p>
      </div>
    );
  }
  return (
    <div className={styles.first}>
      <h2>What should it look like?</h2>
      <p>
        Describe it in your own words. You see each step as it happens, and you are free to leave:
        it goes on without you.
      </p>
      <ul>
        {examples.map((prompt) => (
          <li key={prompt}>
            <button type="button" onClick={() => onPick(prompt)}>
              {prompt}
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
