/** A new account: the first one of a server, one by invite, or as one likes. */
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { problemOf } from "@/shared/api/client";
import { useOptions } from "@/shared/api/door";
import { safeBack } from "@/shared/api/session";
import type { LoginOptions } from "@/shared/api/types";
import { Field } from "@/shared/forms/Field";
import { Form } from "@/shared/forms/Form";
import { FormProblem } from "@/shared/forms/FormProblem";
import { Button, buttonClass } from "@/shared/ui/Button";
import { goOn, useRegister } from "./api";
import { Door } from "./Door";
import styles from "./door.module.css";
import { NoAccounts } from "./Login";
import { Providers } from "./Providers";

export function Register() {
  const search = useSearch({ from: "/register" });
  const { data: options } = useOptions();
  if (!options) return <Door title="Create your account" />;
  if (!options.accounts) return <NoAccounts />;
  const first = options.registration === "first";
  if (options.registration === "closed") return <Closed />;
  return (
    <Door
      title={first ? "Set up this server" : "Create your account"}
      lead={leadOf(options, search.code)}
      foot={
        !first && (
          <p>
            Have an account?{" "}
            <Link to="/login" search={{ back: search.back }}>
              Log in
            </Link>
          </p>
        )
      }
    >
      <RegisterForm options={options} given={search.code} back={safeBack(search.back)} />
    </Door>
  );
}

function leadOf({ registration, code_needed }: LoginOptions, code: string | undefined) {
  if (registration === "first") {
    return "You become its administrator: you decide who else may come, and who has how many credits.";
  }
  if (code_needed && !code) return "This server is for people with an invite.";
  return code ? "You are invited." : "Your pictures, prompts and credits are yours alone.";
}

function Closed() {
  return (
    <Door
      title="No new accounts"
      lead="This server takes no registrations. Whoever runs it can make an account for you."
    >
      <p className={styles.form}>
        <Link to="/login" search={{}} className={buttonClass("outline", "large")}>
          Log in
        </Link>
      </p>
    </Door>
  );
}

type FormProps = { options: LoginOptions; given: string | undefined; back: string };

function RegisterForm({ options, given, back }: FormProps) {
  const register = useRegister();
  const first = options.registration === "first";
  const [code, setCode] = useState(given ?? "");
  const [name, setName] = useState("");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const problem = (field: string) => problemOf(register.error, field);
  const submit = () =>
    register.isPending ||
    register.mutate(
      { email, password, name: name.trim() || null, code: code.trim() || null },
      { onSuccess: () => goOn(back) },
    );
  return (
    <>
      <div className={styles.form}>
        <Form label="Create your account" error={register.error} onSubmit={submit}>
          {options.code_needed && !given && (
            <Field
              label={first ? "Set-up code" : "Invite"}
              hint={
                first
                  ? "The server printed it, and a link with it, when it was started."
                  : "It is at the end of the link you were sent."
              }
              autoCapitalize="off"
              spellCheck={false}
              value={code}
              onChange={setCode}
              problem={problem("code")}
            />
          )}
          <Field
            label="Name"
            name="name"
            hint="How others see you. Empty: what is before the @."
            autoComplete="name"
            value={name}
            onChange={setName}
            problem={problem("name")}
          />
          <Field
            label="E-mail"
            type="email"
            name="email"
            autoComplete="username"
            autoCapitalize="off"
            spellCheck={false}
            value={email}
            onChange={setEmail}
            problem={problem("email")}
          />
          <Field
            label="Password"
            type="password"
            name="password"
            hint="A few words that nobody else has put together are best."
            autoComplete="new-password"
            value={password}
            onChange={setPassword}
            problem={problem("password")}
          />
          <FormProblem
            error={register.error}
            fields={["name", "email", "password", ...(given ? [] : ["code"])]}
          />
          <Button
            type="submit"
            look="primary"
            size="large"
            className={styles.submit}
            disabled={register.isPending}
          >
            {first ? "Set up" : "Create the account"}
          </Button>
        </Form>
      </div>
      <Providers names={options.oidc} back={back} code={code || undefined} />
    </>
  );
}
