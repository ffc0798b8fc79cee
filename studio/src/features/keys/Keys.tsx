/** Keys with which programs use this account: what there is, a new one, and the end of one. */
import { Plus } from "lucide-react";
import { useState } from "react";
import { TypedConfirmation } from "@/shared/forms/TypedConfirmation";
import { Button } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { day, moment } from "@/shared/ui/format";
import { ListState } from "@/shared/ui/ListState";
import page from "@/shared/ui/page.module.css";
import { Table } from "@/shared/ui/Table";
import table from "@/shared/ui/table.module.css";
import { toast } from "@/shared/ui/toast";
import { type Key, useKeys, useRevokeKey } from "./api";
import { scopeNames } from "./key";
import styles from "./keys.module.css";
import { MakeKey } from "./MakeKey";

export function Keys() {
  const keys = useKeys();
  const shown = keys.data ?? [];
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Key | null>(null);
  return (
    <div className={page.page}>
      <div className={styles.intro}>
        <p>
          With a key a program does what you can do here, and pays with your credits. The{" "}
          <a href="/docs">reference</a> has every call.
        </p>
        {!keys.isError && (
          <Button look="primary" size="large" onClick={() => setMaking(true)}>
            <Plus aria-hidden />
            New key
          </Button>
        )}
      </div>
      {shown.length > 0 && (
        <Table
          caption="API keys, newest first"
          columns={["Name", "Key", "For", "Made", "Expires", "Last used"]}
        >
          {shown.map((key) => (
            <Row key={key.id} apiKey={key} onRevoke={() => setRevoking(key)} />
          ))}
        </Table>
      )}
      <ListState
        list={keys}
        count={shown.length}
        what="The keys"
        bones={3}
        empty={<Empty>No keys yet. The first one takes half a minute.</Empty>}
      />
      {making && <MakeKey onClose={() => setMaking(false)} />}
      {revoking && <Revoking apiKey={revoking} onClose={() => setRevoking(null)} />}
    </div>
  );
}

function Row({ apiKey, onRevoke }: { apiKey: Key; onRevoke: () => void }) {
  const { name, hint, scopes, created_at, expires_at, last_used_at } = apiKey;
  const over = expires_at !== null && Date.parse(expires_at) < Date.now();
  return (
    <tr data-key={apiKey.id}>
      <td className={`${table.strong} ${styles.name}`}>{name}</td>
      <td>
        <code className={styles.hint}>{hint}…</code>
      </td>
      <td className={styles.scopes}>{scopeNames(scopes)}</td>
      <td data-label="Made">
        <time dateTime={created_at}>{day(created_at)}</time>
      </td>
      <td data-label="Expires" className={over ? styles.over : ""}>
        {expires_at === null ? (
          "Never"
        ) : (
          <time dateTime={expires_at}>
            {over && "Expired: "}
            {day(expires_at)}
          </time>
        )}
      </td>
      <td data-label="Last used">
        {last_used_at ? <time dateTime={last_used_at}>{moment(last_used_at)}</time> : "Never"}
      </td>
      <td className={table.actions}>
        <Button look="outline" aria-label={`Revoke ${name}`} onClick={onRevoke}>
          Revoke
        </Button>
      </td>
    </tr>
  );
}

function Revoking({ apiKey, onClose }: { apiKey: Key; onClose: () => void }) {
  const revoke = useRevokeKey();
  return (
    <TypedConfirmation
      title="Revoke this key?"
      word={apiKey.name}
      action="Revoke"
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={() =>
        revoke.mutate(apiKey.id, {
          onSuccess: () => {
            toast(`${apiKey.name} is revoked`);
            onClose();
          },
        })
      }
      onClose={onClose}
    >
      <p>
        Programs that use <strong>{apiKey.name}</strong> are let in no more, within a second and for
        good. Jobs that they have ordered go on.
      </p>
    </TypedConfirmation>
  );
}
