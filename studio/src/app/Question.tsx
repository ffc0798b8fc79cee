/** Asks for the password once more. */
import { useMutation } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { answered, api, problemOf } from "@/shared/api/client";
import { useMe } from "@/shared/api/me";
import { Field } from "@/shared/forms/Field";
import { Form } from "@/shared/forms/Form";
import { FormProblem } from "@/shared/forms/FormProblem";
import form from "@/shared/forms/form.module.css";
import { Username } from "@/shared/forms/Username";
import { Button } from "@/shared/ui/Button";
import { Modal } from "@/shared/ui/Modal";

export function Question({ onEnd }: { onEnd: (yes: boolean) => void }) {
  const me = useMe();
  const router = useRouter();
  const [password, setPassword] = useState("");
  const confirm = useMutation({
    mutationFn: () => answered(api.POST("/api/auth/confirm", { body: { password } })),
    onSuccess: () => onEnd(true),
  });
  const again = () => {
    onEnd(false);
    void router.navigate({ to: "/login", search: { back: router.latestLocation.href } });
  };
  return (
    <Modal title="Confirm that it is you" onClose={() => onEnd(false)}>
      <Form
        label="Confirm that it is you"
        error={confirm.error}
        onSubmit={() => confirm.isPending || confirm.mutate()}
      >
        <p className={form.sentence}>
          Before money, keys or people are touched the server wants to know that this is still you.
          It then asks no more for 15 minutes.
        </p>
        <Username email={me?.email} />
        <Field
          label="Password"
          type="password"
          name="password"
          autoComplete="current-password"
          first
          value={password}
          onChange={setPassword}
          problem={problemOf(confirm.error, "password")}
        />
        <FormProblem error={confirm.error} fields={["password"]} />
        <div className={form.buttons}>
          <Button type="submit" look="primary" size="large" disabled={confirm.isPending}>
            Confirm
          </Button>
          <Button size="large" onClick={again}>
            Log in again instead
          </Button>
        </div>
      </Form>
    </Modal>
  );
}
