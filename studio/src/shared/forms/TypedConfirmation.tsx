/** For what cannot be taken back: it happens only when its name has been typed. */
import { type ReactNode, useState } from "react";
import { Button } from "@/shared/ui/Button";
import { Modal } from "@/shared/ui/Modal";
import { Field } from "./Field";
import { Form } from "./Form";
import { FormProblem } from "./FormProblem";
import styles from "./form.module.css";

type Props = {
  title: string;
  children: ReactNode;
  /** What has to be typed. */
  word: string;
  action: string;
  busy: boolean;
  error: Error | null;
  onConfirm: () => void;
  onClose: () => void;
};

export function TypedConfirmation({
  title,
  children,
  word,
  action,
  busy,
  error,
  onConfirm,
  onClose,
}: Props) {
  const [typed, setTyped] = useState("");
  const agreed = typed.trim() === word;
  return (
    <Modal title={title} onClose={onClose}>
      <Form label={title} error={error} onSubmit={() => agreed && !busy && onConfirm()}>
        <div className={styles.sentence}>{children}</div>
        <Field
          label={`Type “${word}” to confirm`}
          autoCapitalize="off"
          spellCheck={false}
          first
          value={typed}
          onChange={setTyped}
        />
        <FormProblem error={error} />
        <div className={styles.buttons}>
          <Button type="submit" look="primary" size="large" disabled={!agreed || busy}>
            {action}
          </Button>
          <Button size="large" onClick={onClose}>
            Keep
          </Button>
        </div>
      </Form>
    </Modal>
  );
}
