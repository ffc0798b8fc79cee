/** Another password. */
import { useState } from "react";
import { problemOf } from "@/shared/api/client";
import { Field } from "@/shared/forms/Field";
import { Form } from "@/shared/forms/Form";
import { FormProblem } from "@/shared/forms/FormProblem";
import form from "@/shared/forms/form.module.css";
import { Username } from "@/shared/forms/Username";
import { Button } from "@/shared/ui/Button";
import { useChangePassword } from "./api";
import { Section } from "./Section";

export function Password({ email }: { email: string | null }) {
  const change = useChangePassword();
  const [old, setOld] = useState("");
  const [fresh, setFresh] = useState("");
  const set = (put: (value: string) => void) => (value: string) => {
    if (!change.isIdle) change.reset();
    put(value);
  };
  return (
    <Section title="Password" about="With another one you are logged out everywhere but here.">
      <Form
        label="Password"
        error={change.error}
        onSubmit={() =>
          change.isPending ||
          change.mutate(
            { password: old, new_password: fresh },
            {
              onSuccess: () => {
                setOld("");
                setFresh("");
              },
            },
          )
        }
      >
        <Username email={email} />
        <Field
          label="Password now"
          type="password"
          name="password"
          autoComplete="current-password"
          value={old}
          onChange={set(setOld)}
          problem={problemOf(change.error, "password")}
        />
        <Field
          label="New password"
          type="password"
          name="new-password"
          autoComplete="new-password"
          value={fresh}
          onChange={set(setFresh)}
          problem={problemOf(change.error, "new_password")}
        />
        <FormProblem error={change.error} fields={["password", "new_password"]} />
        <div className={form.buttons}>
          <Button
            type="submit"
            look="outline"
            size="large"
            disabled={change.isPending || !old || !fresh}
          >
            Change the password
          </Button>
          <p role="status" className={form.said}>
            {change.isSuccess && "Changed."}
          </p>
        </div>
      </Form>
    </Section>
  );
}
