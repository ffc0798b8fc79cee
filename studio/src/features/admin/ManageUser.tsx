/** What can be done about one user besides credits. */
import { Ellipsis } from "lucide-react";
import { useState } from "react";
import { complaint } from "@/shared/api/client";
import { CopyBox } from "@/shared/forms/CopyBox";
import form from "@/shared/forms/form.module.css";
import { TypedConfirmation } from "@/shared/forms/TypedConfirmation";
import { Button, buttonClass, IconButton } from "@/shared/ui/Button";
import { moment } from "@/shared/ui/format";
import { Modal } from "@/shared/ui/Modal";
import { Panel } from "@/shared/ui/Panel";
import { toast } from "@/shared/ui/toast";
import styles from "./admin.module.css";
import { OwnLimits } from "./OwnLimits";
import {
  type User,
  type UserChange,
  useChangeUser,
  useDeleteUser,
  useMakeReset,
  useRestoreUser,
} from "./users";

const complain = (error: Error) => toast(complaint(error));

export function ManageUser({ user }: { user: User }) {
  const [open, setOpen] = useState(false);
  const [limiting, setLimiting] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const change = useChangeUser();
  const reset = useMakeReset();
  const restore = useRestoreUser();
  const act = (what: UserChange, done: string) => {
    setOpen(false);
    change.mutate(
      { user: user.id, change: what },
      { onSuccess: () => toast(done), onError: complain },
    );
  };
  const admin = user.role === "admin";
  if (user.deleted_at) {
    return (
      <Button
        look="outline"
        aria-label={`Bring ${user.name} back`}
        disabled={restore.isPending}
        onClick={() =>
          restore.mutate(user.id, {
            onSuccess: () => toast(`${user.name} is back`),
            onError: complain,
          })
        }
      >
        Bring back
      </Button>
    );
  }
  return (
    <>
      <Panel
        title={`Manage ${user.name}`}
        width={232}
        align="end"
        tight
        open={open}
        onOpenChange={setOpen}
        trigger={
          <IconButton look="outline" label={`Manage ${user.name}`} disabled={change.isPending}>
            <Ellipsis aria-hidden />
          </IconButton>
        }
      >
        <div className={styles.menu}>
          <Button
            onClick={() =>
              admin
                ? act({ role: "user" }, `${user.name} is a user now`)
                : act({ role: "admin" }, `${user.name} is an administrator now`)
            }
          >
            {admin ? "Make a user" : "Make an administrator"}
          </Button>
          <Button
            onClick={() =>
              user.disabled_at
                ? act({ disabled: false }, `${user.name} is let in again`)
                : act({ disabled: true }, `${user.name} is kept out`)
            }
          >
            {user.disabled_at ? "Let in again" : "Keep out"}
          </Button>
          <Button
            onClick={() => {
              setOpen(false);
              setLimiting(true);
            }}
          >
            Limits
          </Button>
          <Button
            onClick={() => {
              setOpen(false);
              reset.mutate(user.id, { onError: complain });
            }}
          >
            Reset the password
          </Button>
          <a
            className={buttonClass()}
            href={`/api/admin/users/${user.id}/export`}
            download
            onClick={() => setOpen(false)}
          >
            Download everything
          </a>
          <Button
            onClick={() => {
              setOpen(false);
              setDeleting(true);
            }}
          >
            Delete
          </Button>
        </div>
      </Panel>
      {reset.data && (
        <ResetLink
          user={user}
          url={reset.data.url}
          until={reset.data.expires_at}
          onClose={reset.reset}
        />
      )}
      {limiting && <OwnLimits user={user} onClose={() => setLimiting(false)} />}
      {deleting && <Deleting user={user} onClose={() => setDeleting(false)} />}
    </>
  );
}

type ResetProps = { user: User; url: string; until: string; onClose: () => void };

function ResetLink({ user, url, until, onClose }: ResetProps) {
  return (
    <Modal title={`A new password for ${user.name}`} onClose={onClose} keep>
      <div className={form.form}>
        <p className={form.sentence}>
          Send this link to {user.email ?? user.name}. Whoever opens it chooses a new password for
          this account, once, until {moment(until)}. It is shown this once.
        </p>
        <CopyBox label="Link" text={url} />
        <div className={form.buttons}>
          <Button look="primary" size="large" onClick={onClose}>
            I have copied it
          </Button>
        </div>
      </div>
    </Modal>
  );
}

const UNDO_MS = 10_000;

function Deleting({ user, onClose }: { user: User; onClose: () => void }) {
  const remove = useDeleteUser();
  const restore = useRestoreUser();
  // By their promises: the dialog is gone before an undo is answered, and may be before a deletion is.
  const undo = () =>
    void restore.mutateAsync(user.id).then(() => toast(`${user.name} is back`), complain);
  const confirm = () =>
    remove.mutateAsync(user.id).then(
      ({ restorable_until }) => {
        toast(
          `${user.name} is deleted, and can be brought back until ${moment(restorable_until)}`,
          { label: "Undo", act: undo },
          UNDO_MS,
        );
        onClose();
      },
      // The dialog says why.
      () => undefined,
    );
  return (
    <TypedConfirmation
      title={`Delete ${user.name}?`}
      word={user.email ?? user.name}
      action="Delete"
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => void confirm()}
      onClose={onClose}
    >
      <p>
        {user.name} is logged out everywhere, keys end and what runs is cancelled, at once.
        Pictures, prompts and the name go for good some days later; until then you can bring them
        back.
      </p>
    </TypedConfirmation>
  );
}
