/** A new key: what it is for and how long, and then, this once, the key itself. */
import { useState } from "react";
import { problemOf } from "@/shared/api/client";
import { useMe } from "@/shared/api/me";
import { CopyBox } from "@/shared/forms/CopyBox";
import { Field } from "@/shared/forms/Field";
import { Form } from "@/shared/forms/Form";
import { FormProblem } from "@/shared/forms/FormProblem";
import form from "@/shared/forms/form.module.css";
import { Button } from "@/shared/ui/Button";
import { Modal } from "@/shared/ui/Modal";
import { type NewKey, useCreateKey } from "./api";
import { type Expiry, example, freshWish, keyOf, missing, scopesFor, type Wish } from "./key";
import styles from "./keys.module.css";

const expiries: readonly { value: Expiry; label: string }[] = [
  { value: "30", label: "30 days" },
  { value: "90", label: "90 days" },
  { value: "365", label: "A year" },
  { value: "date", label: "Until a day" },
  { value: "never", label: "Never" },
];

export function MakeKey({ onClose }: { onClose: () => void }) {
  const create = useCreateKey();
  const [wish, setWish] = useState(freshWish);
  const [lacking, setLacking] = useState<Record<string, string>>({});
  const set = (change: Partial<Wish>) => {
    setLacking({});
    setWish((before) => ({ ...before, ...change }));
  };
  const problem = (field: string) => lacking[field] ?? problemOf(create.error, field);

  if (create.data) return <Made made={create.data} onClose={onClose} />;
  return (
    <Modal title="New API key" onClose={onClose}>
      <Form
        label="New API key"
        error={create.error}
        onSubmit={() => {
          const wanting = missing(wish);
          setLacking(wanting);
          if (Object.keys(wanting).length === 0 && !create.isPending) create.mutate(keyOf(wish));
        }}
      >
        <Field
          label="Name"
          hint="Which program it is for."
          first
          maxLength={100}
          value={wish.name}
          onChange={(name) => set({ name })}
          problem={problem("name")}
        />
        <Scopes wish={wish} problem={problem("scopes")} onChange={set} />
        <fieldset className={form.choices}>
          <legend>Expires</legend>
          {expiries.map(({ value, label }) => (
            <label key={value}>
              <input
                type="radio"
                name="expiry"
                checked={wish.expiry === value}
                onChange={() => set({ expiry: value })}
              />
              {label}
            </label>
          ))}
        </fieldset>
        {wish.expiry === "date" ? (
          <Field
            label="Last day"
            type="date"
            value={wish.date}
            onChange={(date) => set({ date })}
            problem={problem("expires_at")}
          />
        ) : (
          problem("expires_at") && <p className={form.problem}>{problem("expires_at")}</p>
        )}
        <FormProblem error={create.error} fields={["name", "scopes", "expires_at"]} />
        <div className={form.buttons}>
          <Button type="submit" look="primary" size="large" disabled={create.isPending}>
            Make the key
          </Button>
          <Button size="large" onClick={onClose}>
            Cancel
          </Button>
        </div>
      </Form>
    </Modal>
  );
}

type ScopesProps = {
  wish: Wish;
  problem: string | undefined;
  onChange: (change: Partial<Wish>) => void;
};

function Scopes({ wish, problem, onChange }: ScopesProps) {
  const isAdmin = useMe()?.role === "admin";
  return (
    <>
      <fieldset className={form.choices}>
        <legend>What it may do</legend>
        <label>
          <input
            type="radio"
            name="limited"
            checked={!wish.limited}
            onChange={() => onChange({ limited: false })}
          />
          Everything but administration
        </label>
        <label>
          <input
            type="radio"
            name="limited"
            checked={wish.limited}
            onChange={() => onChange({ limited: true })}
          />
          Only some things
        </label>
      </fieldset>
      {wish.limited && (
        <fieldset className={styles.only} aria-describedby="scopes-problem">
          <legend className="hidden-visually">Only</legend>
          {scopesFor(isAdmin).map(({ scope, words }) => (
            <label key={scope}>
              <input
                type="checkbox"
                checked={wish.scopes.includes(scope)}
                onChange={(event) =>
                  onChange({
                    scopes: event.target.checked
                      ? [...wish.scopes, scope]
                      : wish.scopes.filter((one) => one !== scope),
                  })
                }
              />
              {words}
              <code>{scope}</code>
            </label>
          ))}
        </fieldset>
      )}
      {problem && (
        <p id="scopes-problem" role="alert" className={form.problem}>
          {problem}
        </p>
      )}
    </>
  );
}

function Made({ made, onClose }: { made: NewKey; onClose: () => void }) {
  return (
    <Modal title={`${made.name} is ready`} onClose={onClose} keep>
      <div className={form.form}>
        <p className={form.sentence}>
          Copy the key now: it is shown this once. Whoever has it can use your account, so keep it
          like a password.
        </p>
        <CopyBox label="Key" text={made.key} />
        <CopyBox label="Try it" text={example(made.key, made.scopes, window.location.origin)} />
        <div className={form.buttons}>
          <Button look="primary" size="large" onClick={onClose}>
            I have copied it
          </Button>
        </div>
      </div>
    </Modal>
  );
}
