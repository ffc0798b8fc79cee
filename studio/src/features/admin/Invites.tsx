/** Letting somebody in: an invite is a link that makes one account, once. */
import { UserPlus } from "lucide-react";
import { useState } from "react";
import { complaint, problemOf } from "@/shared/api/client";
import { CopyBox } from "@/shared/forms/CopyBox";
import { Field } from "@/shared/forms/Field";
import { Form } from "@/shared/forms/Form";
import { FormProblem } from "@/shared/forms/FormProblem";
import form from "@/shared/forms/form.module.css";
import { Button } from "@/shared/ui/Button";
import { day } from "@/shared/ui/format";
import { Modal } from "@/shared/ui/Modal";
import { toast } from "@/shared/ui/toast";
import styles from "./admin.module.css";
import { type Invite as OpenInvite, useInvites, useMakeInvite, useTakeBackInvite } from "./users";

export function Invite() {
  const [making, setMaking] = useState(false);
  return (
    <div className={styles.invite}>
      <Button look="outline" onClick={() => setMaking(true)}>
        <UserPlus aria-hidden />
        Invite somebody
      </Button>
      {making && <MakeInvite onClose={() => setMaking(false)} />}
    </div>
  );
}

/** Those that nobody has used yet. */
export function OpenInvites() {
  const open = useInvites().data ?? [];
  if (open.length === 0) return null;
  return (
    <section className={styles.invites} aria-label="Open invites">
      <ul>
        {open.map((invite) => (
          <Open key={invite.id} invite={invite} />
        ))}
      </ul>
    </section>
  );
}

function Open({ invite }: { invite: OpenInvite }) {
  const takeBack = useTakeBackInvite();
  const who = invite.note || "Somebody";
  return (
    <li data-invite={invite.id}>
      <span>
        <strong>{who}</strong> is invited{invite.role === "admin" && " as administrator"}, until{" "}
        {day(invite.expires_at)}
      </span>
      <Button
        aria-label={`Take back the invite of ${who}`}
        disabled={takeBack.isPending}
        onClick={() => takeBack.mutate(invite.id, { onError: (error) => toast(complaint(error)) })}
      >
        Take back
      </Button>
    </li>
  );
}

const lifetimes: readonly { days: number; label: string }[] = [
  { days: 1, label: "A day" },
  { days: 7, label: "A week" },
  { days: 30, label: "30 days" },
];

function MakeInvite({ onClose }: { onClose: () => void }) {
  const make = useMakeInvite();
  const [note, setNote] = useState("");
  const [admin, setAdmin] = useState(false);
  const [days, setDays] = useState(7);
  if (make.data) {
    return (
      <Modal title="The invite is ready" onClose={onClose} keep>
        <div className={form.form}>
          <p className={form.sentence}>
            Send this link to whom it is for. It makes one account, once, and is shown this once.
          </p>
          <CopyBox label="Link" text={make.data.url} />
          <div className={form.buttons}>
            <Button look="primary" size="large" onClick={onClose}>
              I have copied it
            </Button>
          </div>
        </div>
      </Modal>
    );
  }
  return (
    <Modal title="Invite somebody" onClose={onClose}>
      <Form
        label="Invite somebody"
        error={make.error}
        onSubmit={() =>
          make.isPending ||
          make.mutate({ note: note.trim() || null, role: admin ? "admin" : "user", days })
        }
      >
        <Field
          label="For whom"
          hint="For your list; it is shown to administrators only."
          first
          maxLength={200}
          value={note}
          onChange={setNote}
          problem={problemOf(make.error, "note")}
        />
        <fieldset className={form.choices}>
          <legend>Becomes</legend>
          <label>
            <input type="radio" name="role" checked={!admin} onChange={() => setAdmin(false)} />
            user
          </label>
          <label>
            <input type="radio" name="role" checked={admin} onChange={() => setAdmin(true)} />
            administrator
          </label>
        </fieldset>
        <fieldset className={form.choices}>
          <legend>Good for</legend>
          {lifetimes.map((one) => (
            <label key={one.days}>
              <input
                type="radio"
                name="days"
                checked={days === one.days}
                onChange={() => setDays(one.days)}
              />
              {one.label}
            </label>
          ))}
        </fieldset>
        <FormProblem error={make.error} fields={["note"]} />
        <div className={form.buttons}>
          <Button type="submit" look="primary" size="large" disabled={make.isPending}>
            Make the link
          </Button>
          <Button size="large" onClick={onClose}>
            Cancel
          </Button>
        </div>
      </Form>
    </Modal>
  );
}
