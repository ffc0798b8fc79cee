/** Beside the references: what of the first one is to be changed. */
import { Brush, X } from "lucide-react";
import { lazy, Suspense, useState } from "react";
import { createPortal } from "react-dom";
import { useAsset } from "@/shared/api/assets";
import { Button, IconButton } from "@/shared/ui/Button";
import { floats } from "@/shared/ui/floats";
import { Picture } from "@/shared/ui/Picture";
import { part } from "@/shared/ui/part";
import { toast } from "@/shared/ui/toast";
import { useGone } from "./gone";
import { type Reference, removeMask, setMask } from "./references";
import styles from "./references.module.css";

// Not part of the first view: fetched when somebody reaches for it.
const load = part(() =>
  import("./mask/MaskDialog").then((module) => ({ default: module.MaskDialog })),
);
const MaskDialog = lazy(load);
const prepare = () => void load().catch(() => undefined);

export function Masking({ reference, several }: { reference: Reference; several: boolean }) {
  const { id, key, mask } = reference;
  const [open, setOpen] = useState(false);
  const which = several ? "reference 1" : "the reference";
  if (!id) return null;
  return (
    <div className={styles.masking}>
      <Button
        look="outline"
        aria-label={mask ? `Change the mask of ${which}` : `Mark what to change in ${which}`}
        aria-haspopup="dialog"
        onPointerEnter={prepare}
        onFocus={prepare}
        onClick={() => setOpen(true)}
      >
        <Brush aria-hidden />
        {mask ? "Change the mask" : "Mark what to change"}
      </Button>
      {mask && (
        <IconButton label="Remove the mask" onClick={() => removeMask(reference)}>
          <X aria-hidden />
        </IconButton>
      )}
      <span className="hidden-visually" role="status">
        {mask && "The mask is set: only what is marked will change."}
      </span>
      {mask && <Kept id={mask} referenceKey={key} />}
      {open &&
        // Not inside of the composer's form: Enter in a field of it would send the prompt.
        createPortal(
          <Suspense>
            <MaskDialog
              reference={id}
              mask={mask}
              onMask={(next) => setMask(key, next)}
              onClose={() => setOpen(false)}
            />
          </Suspense>,
          floats.current ?? document.body,
        )}
    </div>
  );
}

/** A mask that was deleted meanwhile leaves the composer, as a reference does. */
function Kept({ id, referenceKey }: { id: string; referenceKey: string }) {
  useGone(useAsset(id), () => {
    setMask(referenceKey, null);
    toast("The mask is not there any more");
  });
  return null;
}

/** Over the picture it belongs to: what stays as it is lies in the dark. */
export function MaskOver({ id, sizes }: { id: string; sizes: string }) {
  const { data, refetch } = useAsset(id);
  return (
    <span className={styles.masked}>
      {data && !data.deleted_at && (
        <Picture asset={data} sizes={sizes} eager onExpired={() => void refetch()} />
      )}
    </span>
  );
}
