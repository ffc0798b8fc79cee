/** How much one user may ask for, where that is not what holds for everybody. */
import { useState } from "react";
import { problemOf } from "@/shared/api/client";
import { Field } from "@/shared/forms/Field";
import { Form } from "@/shared/forms/Form";
import { FormProblem } from "@/shared/forms/FormProblem";
import form from "@/shared/forms/form.module.css";
import { Button } from "@/shared/ui/Button";
import { Modal } from "@/shared/ui/Modal";
import { toast } from "@/shared/ui/toast";
import { hintOf, limitLabels, limitsOf, textsOf } from "./limits";
import { type User, useChangeUser } from "./users";

export function OwnLimits({ user, onClose }: { user: User; onClose: () => void }) {
  const change = useChangeUser();
  const [texts, setTexts] = useState(() => textsOf(user.limits));
  const { limits, wrong } = limitsOf(texts);
  const submit = () => {
    if (wrong.length > 0 || change.isPending) return;
    change.mutate(
      { user: user.id, change: { limits } },
      {
        onSuccess: () => {
          toast(`The limits of ${user.name} are saved`);
          onClose();
        },
      },
    );
  };
  return (
    <Modal title={`Limits for ${user.name}`} onClose={onClose}>
      <Form label={`Limits for ${user.name}`} error={change.error} onSubmit={submit}>
        {limitLabels.map(({ name, label }, place) => (
          <Field
            key={name}
            label={label}
            inputMode={name === "quota_bytes" ? "decimal" : "numeric"}
            first={place === 0}
            hint={hintOf(name, user)}
            value={texts[name]}
            onChange={(text) => setTexts({ ...texts, [name]: text })}
            problem={
              wrong.includes(name)
                ? `A ${name === "quota_bytes" ? "" : "whole "}number above 0, or nothing.`
                : problemOf(change.error, `limits.${name}`)
            }
          />
        ))}
        <FormProblem
          error={change.error}
          fields={limitLabels.map(({ name }) => `limits.${name}`)}
        />
        <div className={form.buttons}>
          <Button
            type="submit"
            look="primary"
            size="large"
            disabled={wrong.length > 0 || change.isPending}
          >
            Save
          </Button>
          <Button size="large" onClick={onClose}>
            Cancel
          </Button>
        </div>
      </Form>
    </Modal>
  );
}
