/** The way to the choices most prompts do without, and how many of them are set. */
import { ChevronDown } from "lucide-react";
import { lazy, Suspense } from "react";
import { Panel } from "@/shared/ui/Panel";
import { part } from "@/shared/ui/part";
import { wishes } from "./draft";
import styles from "./more.module.css";
import type { OptionsProps } from "./Options";

// Not part of the first view: fetched when somebody reaches for it.
const load = part(() => import("./Options").then((module) => ({ default: module.Options })));
const Options = lazy(load);
const prepare = () => void load().catch(() => undefined);

// As high as what follows: a sheet that grows while it is read is missed by the finger.
const soon = <div className={styles.loading} />;

export function MoreOptions({ ready, ...props }: OptionsProps & { ready: boolean }) {
  const set = wishes(props.draft);
  return (
    <Panel
      title="More options"
      align="start"
      trigger={
        <button
          type="button"
          className={styles.trigger}
          aria-label={set ? `More options, ${set} set` : "More options"}
          onPointerEnter={prepare}
          onFocus={prepare}
        >
          More
          {set > 0 && <span className={styles.count}>{set}</span>}
          <ChevronDown aria-hidden />
        </button>
      }
    >
      <Suspense fallback={soon}>{ready ? <Options {...props} /> : soon}</Suspense>
    </Panel>
  );
}
