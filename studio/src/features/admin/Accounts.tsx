/** Everybody's accounts: who it is, what there is, what was used, and what is given. */
import { useState } from "react";
import { complaint } from "@/shared/api/client";
import { Button } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { count, moment } from "@/shared/ui/format";
import { ListState } from "@/shared/ui/ListState";
import { MoreOf } from "@/shared/ui/MoreOf";
import { Table } from "@/shared/ui/Table";
import table from "@/shared/ui/table.module.css";
import { toast } from "@/shared/ui/toast";
import styles from "./admin.module.css";
import { type Account, useAccounts, useChangeAccount } from "./api";
import { Invite, OpenInvites } from "./Invites";
import { hasOwnLimits } from "./limits";
import { ManageAccount } from "./ManageAccount";
import { ManageUser } from "./ManageUser";
import { useAccountName, useManageable } from "./names";
import { type User, useUsers } from "./users";

export function Accounts() {
  const accounts = useAccounts();
  const shown = (accounts.data?.pages ?? []).flatMap((one) => one.items);
  const { users, settled } = useUsers();
  const [managed, setManaged] = useState<string | null>(null);
  const account = shown.find((one) => one.user === managed);
  return (
    <>
      {users && <Invite />}
      {settled && shown.length > 0 && (
        <Table
          caption="Accounts"
          columns={[
            "User",
            "Unlimited",
            { figures: "Available" },
            { figures: "Set aside" },
            { figures: "Used" },
            { figures: "Allowance" },
            { figures: "Open jobs" },
          ]}
        >
          {shown.map((one) => (
            <Row
              key={one.user}
              account={one}
              user={users?.get(one.user)}
              onManage={() => setManaged(one.user)}
            />
          ))}
        </Table>
      )}
      <ListState
        // What belongs to a row comes with it: nothing that stands already moves.
        list={settled ? accounts : { ...accounts, isPending: true }}
        count={settled ? shown.length : 0}
        what="The accounts"
        bones={3}
        empty={<Empty>Nobody has an account yet.</Empty>}
      />
      <MoreOf list={accounts} />
      {users && <OpenInvites />}
      {account && <ManageAccount account={account} onClose={() => setManaged(null)} />}
    </>
  );
}

type RowProps = { account: Account; user: User | undefined; onManage: () => void };

function Row({ account, user, onManage }: RowProps) {
  const name = useAccountName(account);
  const manageable = useManageable(account.user);
  const change = useChangeAccount();
  const { allowance } = account;
  // Where the finger put it, until the server has answered.
  const unlimited = change.isPending
    ? change.variables.change.unlimited === true
    : account.unlimited;
  return (
    <tr data-user={account.user}>
      <td className={`${table.strong} ${styles.who}`}>
        <span title={account.user}>{name}</span>
        {user && <Standing user={user} />}
      </td>
      <td className={styles.withSwitch} data-label="Unlimited">
        <input
          type="checkbox"
          role="switch"
          className={styles.switch}
          aria-label={`Unlimited credits for ${name}`}
          checked={unlimited}
          aria-checked={unlimited}
          disabled={change.isPending}
          onChange={(event) =>
            change.mutate(
              { user: account.user, change: { unlimited: event.target.checked } },
              { onError: (error) => toast(complaint(error)) },
            )
          }
        />
      </td>
      <td className={table.number} data-label="Available">
        {account.unlimited && account.available === 0 ? "–" : count(account.available)}
      </td>
      <td className={table.number} data-label="Set aside">
        {count(account.held)}
      </td>
      <td className={table.number} data-label="Used">
        {count(account.used)}
      </td>
      <td className={table.number} data-label="Allowance">
        {allowance ? `${count(allowance.credits)} a ${allowance.every}` : "–"}
      </td>
      <td className={table.number} data-label="Open jobs">
        {count(account.open_jobs)}
      </td>
      <td className={`${table.actions} ${styles.does}`}>
        <Button look="outline" aria-label={`Grant credits to ${name}`} onClick={onManage}>
          Grant credits
        </Button>
        {user && manageable && <ManageUser user={user} />}
      </td>
    </tr>
  );
}

/** Under a name: how to tell it from others of that name, and what it may do. */
function Standing({ user }: { user: User }) {
  return (
    <span className={styles.standings}>
      {user.email && <span>{user.email}</span>}
      {user.role === "admin" && <span data-kind="good">administrator</span>}
      {user.deleted_at ? (
        <span data-kind="broken">deleted</span>
      ) : (
        user.disabled_at && <span data-kind="broken">kept out</span>
      )}
      {hasOwnLimits(user) && <span>own limits</span>}
      <span>{user.last_seen_at ? `here ${moment(user.last_seen_at)}` : "never here"}</span>
    </span>
  );
}
