/** Who are you? And then back to where one was. */
import { Link, Navigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { problemOf } from "@/shared/api/client";
import { useOptions } from "@/shared/api/door";
import { safeBack } from "@/shared/api/session";
import type { LoginOptions } from "@/shared/api/types";
import { Field } from "@/shared/forms/Field";
import { Form } from "@/shared/forms/Form";
import { FormProblem } from "@/shared/forms/FormProblem";
import { Button, buttonClass } from "@/shared/ui/Button";
import { goOn, useLogin } from "./api";
import { Door } from "./Door";
import styles from "./door.module.css";
import { Providers, whyBack } from "./Providers";

export function Login() {
  const search = useSearch({ from: "/login" });
  const back = safeBack(search.back);
  const { data: options, error } = useOptions();
  const login = useLogin();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");

  if (options?.registration === "first") return <Navigate to="/register" search={{}} replace />;
  if (options && !options.accounts) return <NoAccounts />;
  return (
    <Door title="Log in" foot={options && <WaysIn options={options} back={search.back} />}>
      {search.problem && !login.error && (
        <p role="alert" className={styles.refused}>
          {whyBack(search.problem, search.with ?? "that site")}
        </p>
      )}
      <div className={styles.form}>
        <Form
          label="Log in"
          error={login.error}
          onSubmit={() =>
            login.isPending || login.mutate({ email, password }, { onSuccess: () => goOn(back) })
          }
        >
          <Field
            label="E-mail"
            type="email"
            name="email"
            autoComplete="username"
            autoCapitalize="off"
            spellCheck={false}
            value={email}
            onChange={setEmail}
            problem={problemOf(login.error, "email")}
          />
          <Field
            label="Password"
            type="password"
            name="password"
            autoComplete="current-password"
            value={password}
            onChange={setPassword}
            problem={problemOf(login.error, "password")}
          />
          <FormProblem error={login.error ?? error} fields={["email", "password"]} />
          <Button
            type="submit"
            look="primary"
            size="large"
            className={styles.submit}
            disabled={login.isPending}
          >
            {login.isPending ? "Logging in" : "Log in"}
          </Button>
        </Form>
      </div>
      <Providers names={options?.oidc ?? []} back={back} />
    </Door>
  );
}

function WaysIn({ options, back }: { options: LoginOptions; back: string | undefined }) {
  return (
    <>
      {options.registration === "open" && (
        <p>
          No account yet?{" "}
          <Link to="/register" search={{ back }}>
            Create one
          </Link>
        </p>
      )}
      {options.registration === "invite" && <p>No account yet? Open the link of your invite.</p>}
      <p>
        {options.anonymous ? (
          <Link to="/">Go on without an account</Link>
        ) : (
          "Forgot the password? Ask whoever runs this server for a reset link."
        )}
      </p>
    </>
  );
}

export function NoAccounts() {
  return (
    <Door
      title="No login needed"
      lead="This server has one owner, and whoever reaches it is that one."
    >
      <p className={styles.form}>
        <Link to="/" className={buttonClass("primary", "large")}>
          Create
        </Link>
      </p>
    </Door>
  );
}
