/** A new password, by the link an administrator has made. */
import { useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { problemOf } from "@/shared/api/client";
import { Field } from "@/shared/forms/Field";
import { Form } from "@/shared/forms/Form";
import { FormProblem } from "@/shared/forms/FormProblem";
import { Username } from "@/shared/forms/Username";
import { Button } from "@/shared/ui/Button";
import { goOn, useReset } from "./api";
import { Door } from "./Door";
import styles from "./door.module.css";

export function Reset() {
  const { code: given } = useSearch({ from: "/reset" });
  const reset = useReset();
  const [code, setCode] = useState(given ?? "");
  const [password, setPassword] = useState("");
  return (
    <Door title="New password" lead="You are logged in with it at once, and out everywhere else.">
      <div className={styles.form}>
        <Form
          label="New password"
          error={reset.error}
          onSubmit={() =>
            reset.isPending ||
            reset.mutate({ code: code.trim(), password }, { onSuccess: () => goOn("/") })
          }
        >
          <Username email={null} />
          {!given && (
            <Field
              label="Reset code"
              autoCapitalize="off"
              spellCheck={false}
              value={code}
              onChange={setCode}
              problem={problemOf(reset.error, "code")}
            />
          )}
          <Field
            label="New password"
            type="password"
            name="password"
            autoComplete="new-password"
            value={password}
            onChange={setPassword}
            problem={problemOf(reset.error, "password")}
          />
          <FormProblem error={reset.error} fields={["password", ...(given ? [] : ["code"])]} />
          <Button
            type="submit"
            look="primary"
            size="large"
            className={styles.submit}
            disabled={reset.isPending}
          >
            Keep this password
          </Button>
        </Form>
      </div>
    </Door>
  );
}
