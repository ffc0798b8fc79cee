/** Credits for an account: once, or every day, week or month. */
import { type FormEvent, useState } from "react";
import { problemOf } from "@/shared/api/client";
import { Field } from "@/shared/forms/Field";
import { FormProblem } from "@/shared/forms/FormProblem";
import form from "@/shared/forms/form.module.css";
import { Button } from "@/shared/ui/Button";
import { count, credits } from "@/shared/ui/format";
import { Modal } from "@/shared/ui/Modal";
import { toast } from "@/shared/ui/toast";
import { type Account, type Every, useChangeAccount, useGrant } from "./api";
import { allowanceOf, amountOf, freshReference, grantOf } from "./grant";
import { useAccountName } from "./names";

type Props = { account: Account; onClose: () => void };

export function ManageAccount({ account, onClose }: Props) {
  const name = useAccountName(account);
  return (
    <Modal title={`Credits for ${name === "You" ? "you" : name}`} onClose={onClose}>
      <GrantForm account={account} />
      <AllowanceForm account={account} />
    </Modal>
  );
}

function GrantForm({ account }: { account: Account }) {
  const grant = useGrant();
  const [amount, setAmount] = useState("");
  const [reference, setReference] = useState(freshReference);
  const [note, setNote] = useState("");
  const wanted = grantOf(account.user, amount, reference, note);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wanted || grant.isPending) return;
    grant.mutate(wanted, {
      onSuccess: () => {
        setAmount("");
        setNote("");
        setReference(freshReference());
      },
    });
  };

  return (
    <form className={form.form} onSubmit={submit}>
      <h3>Grant once</h3>
      <Field
        label="Credits"
        inputMode="numeric"
        required
        value={amount}
        onChange={setAmount}
        problem={
          amount !== "" && amountOf(amount) === null
            ? "A whole number, 1 or more."
            : problemOf(grant.error, "credits")
        }
      />
      <Field
        label="Reference"
        required
        maxLength={200}
        hint="Such as the number of an order. The same reference again gives nothing twice."
        value={reference}
        onChange={setReference}
        problem={problemOf(grant.error, "reference")}
      />
      <Field
        label="Note"
        maxLength={500}
        hint="The user reads it among their entries."
        value={note}
        onChange={setNote}
        problem={problemOf(grant.error, "note")}
      />
      <FormProblem error={grant.error} fields={["credits", "reference", "note"]} />
      <div className={form.buttons}>
        <Button type="submit" look="primary" size="large" disabled={!wanted || grant.isPending}>
          Grant
        </Button>
        <p role="status" className={form.said}>
          {grant.data &&
            (grant.data.isNew
              ? `Granted ${credits(grant.data.credits)}. Available now: ${count(grant.data.available_after)}.`
              : `This reference was used before, for ${credits(grant.data.credits)}. Nothing was given.`)}
        </p>
      </div>
    </form>
  );
}

const periods: readonly Every[] = ["day", "week", "month"];

function AllowanceForm({ account }: { account: Account }) {
  const change = useChangeAccount();
  const [amount, setAmount] = useState(account.allowance ? String(account.allowance.credits) : "");
  const [every, setEvery] = useState<Every>(account.allowance?.every ?? "day");
  const wanted = allowanceOf(amount, every);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wanted || change.isPending) return;
    change.mutate(
      { user: account.user, change: wanted },
      { onSuccess: () => toast(wanted.allowance ? "Allowance saved" : "No allowance any more") },
    );
  };

  return (
    <form className={form.form} onSubmit={submit}>
      <h3>Allowance</h3>
      <Field
        label="Fill up to"
        inputMode="numeric"
        hint="At the start of every period, UTC; what is left counts. Empty: none."
        value={amount}
        onChange={setAmount}
        problem={
          wanted === null ? "A whole number, or nothing." : problemOf(change.error, "allowance")
        }
      />
      <fieldset className={form.choices}>
        <legend>Every</legend>
        {periods.map((period) => (
          <label key={period}>
            <input
              type="radio"
              name="every"
              checked={every === period}
              onChange={() => setEvery(period)}
            />
            {period}
          </label>
        ))}
      </fieldset>
      <FormProblem error={change.error} fields={["allowance"]} />
      <div className={form.buttons}>
        <Button type="submit" look="outline" size="large" disabled={!wanted || change.isPending}>
          Save
        </Button>
      </div>
    </form>
  );
}
