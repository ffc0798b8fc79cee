/** Above the prompt: the pictures it starts from, in their order, and what is wrong with one. */
import { Brush, TriangleAlert, X } from "lucide-react";
import { useState } from "react";
import { useAsset } from "@/shared/api/assets";
import { Bar } from "@/shared/ui/Bar";
import { Button } from "@/shared/ui/Button";
import { Picture } from "@/shared/ui/Picture";
import { toast } from "@/shared/ui/toast";
import type { Misfit } from "./fits";
import { useGone } from "./gone";
import { Masking, MaskOver } from "./Masking";
import { type Reference, removeReference, retryUpload, takeAway } from "./references";
import styles from "./references.module.css";

type Props = {
  references: readonly Reference[];
  takesMask: boolean;
  misfit: Misfit | null;
  /** What the server says about them all. */
  problem: string | undefined;
  onModel: (model: string) => void;
};

export function References({ references, takesMask, misfit, problem, onModel }: Props) {
  const [first] = references;
  if (!first) return null;
  return (
    <div className={styles.strip}>
      <div className={styles.beside}>
        <ul className={styles.chips} aria-label="References">
          {references.map((reference, i) => (
            <Chip
              key={reference.key}
              reference={reference}
              place={references.length > 1 ? i + 1 : null}
            />
          ))}
        </ul>
        {(takesMask || first.mask) && (
          <Masking key={first.key} reference={first} several={references.length > 1} />
        )}
      </div>
      {references.map((one) => one.problem && <Broken key={one.key} reference={one} />)}
      {misfit ? (
        <p className={styles.line} role="status">
          {misfit.words}
          {misfit.other && (
            <Button look="outline" onClick={() => misfit.other && onModel(misfit.other.id)}>
              Use {misfit.other.name}
            </Button>
          )}
        </p>
      ) : (
        problem && (
          <p className={styles.line} role="alert">
            {problem}
          </p>
        )
      )}
    </div>
  );
}

function Chip({ reference, place }: { reference: Reference; place: number | null }) {
  const { key, id, name, preview, progress, problem, mask } = reference;
  const [unseen, setUnseen] = useState(false);
  const label = `reference${place ? ` ${place}` : ""}`;
  return (
    <li className={styles.chip} data-reference={id ?? "sending"} data-broken={problem !== null}>
      {preview && !unseen && (
        <img
          className={styles.preview}
          src={preview}
          alt=""
          // The server may read what this browser does not, and nobody reads what is no picture.
          onError={() => setUnseen(true)}
        />
      )}
      {id && <Stored id={id} referenceKey={key} />}
      {mask && <MaskOver id={mask} sizes="64px" />}
      {mask && (
        <span className={styles.brush}>
          <Brush aria-hidden />
        </span>
      )}
      {problem && <TriangleAlert aria-hidden className={styles.alert} />}
      {!id && !problem && (
        <div className={styles.bar}>
          <Bar label={`Uploading ${name || label}`} value={progress < 1 ? progress : null} />
        </div>
      )}
      {place && <span className={styles.place}>{place}</span>}
      <button
        type="button"
        className={styles.remove}
        aria-label={`Remove ${label}`}
        title="Remove"
        onClick={() => takeAway(key)}
      >
        <X aria-hidden />
      </button>
    </li>
  );
}

/** What the server has. One that was deleted meanwhile leaves the strip. */
function Stored({ id, referenceKey }: { id: string; referenceKey: string }) {
  const asked = useAsset(id);
  const gone = useGone(asked, () => {
    removeReference(referenceKey);
    toast("A reference is not there any more");
  });
  const { data, refetch } = asked;
  return data && !gone ? (
    <Picture asset={data} sizes="64px" eager onExpired={() => void refetch()} />
  ) : null;
}

function Broken({ reference: { key, name, problem } }: { reference: Reference }) {
  return (
    <p className={styles.line} role="alert">
      <span>
        <strong>{name || "A picture"}</strong> {problem}
      </span>
      <Button look="outline" onClick={() => retryUpload(key)}>
        Try again
      </Button>
    </p>
  );
}
