import form from "@/shared/forms/form.module.css";
import { Button } from "@/shared/ui/Button";
import { Modal } from "@/shared/ui/Modal";

type Props = { count: number; busy: boolean; onDiscard: () => void; onClose: () => void };

/** Asks once: discarding is for good. */
export function Discarding({ count, busy, onDiscard, onClose }: Props) {
  const one = count === 1;
  return (
    <Modal
      title={one ? "Discard this dead letter?" : `Discard ${count} dead letters?`}
      onClose={onClose}
    >
      <p className={form.sentence}>
        Nothing more becomes of {one ? "it" : "them"}. {one ? "The job stays" : "The jobs stay"} in{" "}
        {one ? "its owner's" : "their owners'"} history, failed and not charged.
      </p>
      <div className={form.buttons}>
        <Button look="primary" size="large" disabled={busy} onClick={onDiscard}>
          Discard
        </Button>
        <Button size="large" onClick={onClose}>
          Keep
        </Button>
      </div>
    </Modal>
  );
}
