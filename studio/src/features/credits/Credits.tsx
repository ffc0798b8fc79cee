/** What there is to pay with, and every entry that made it so. */
import { Link } from "@tanstack/react-router";
import { useBalance, useLedger, useSpent } from "@/shared/api/credits";
import { isVisitor, useMe } from "@/shared/api/me";
import type { Balance, LedgerLine } from "@/shared/api/types";
import { buttonClass } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { count, moment } from "@/shared/ui/format";
import { ListState } from "@/shared/ui/ListState";
import { MoreOf } from "@/shared/ui/MoreOf";
import page from "@/shared/ui/page.module.css";
import { Table } from "@/shared/ui/Table";
import table from "@/shared/ui/table.module.css";
import styles from "./credits.module.css";
import { nextAllowance, signed, tell } from "./ledger";

export function Credits() {
  const balance = useBalance();
  const ledger = useLedger();
  const lines = (ledger.data?.pages ?? []).flatMap((one) => one.items);
  const limited = balance ? !balance.unlimited : true;
  return (
    <div className={page.page}>
      <Figures balance={balance} />
      {lines.length > 0 && (
        <Table
          caption="Entries, newest first"
          actions={false}
          className={styles.ledger}
          columns={[
            "When",
            "What",
            "Job",
            { figures: limited ? "Change" : "Credits" },
            ...(limited ? [{ figures: "Available" }] : []),
          ]}
        >
          {lines.map((line, i) => (
            <Row
              key={line.id}
              line={line}
              older={lines[i + 1] ?? (ledger.hasNextPage ? undefined : null)}
              limited={limited}
            />
          ))}
        </Table>
      )}
      <ListState
        list={ledger}
        count={lines.length}
        what="The entries"
        bones={6}
        empty={
          <Empty
            action={
              <Link to="/" className={buttonClass("outline", "large")}>
                Create
              </Link>
            }
          >
            Nothing was granted or used yet.
          </Empty>
        }
      />
      <MoreOf list={ledger} />
    </div>
  );
}

function Figures({ balance }: { balance: Balance | undefined }) {
  const spent = useSpent(true);
  const visitor = isVisitor(useMe());
  return (
    <div className={styles.figures}>
      <dl>
        <div>
          <dt>Available</dt>
          <dd>
            {!balance
              ? "…"
              : balance.unlimited
                ? "Unlimited"
                : visitor
                  ? "–"
                  : count(balance.available)}
          </dd>
        </div>
        <div>
          <dt>Set aside for jobs</dt>
          <dd>{balance ? count(balance.held) : "…"}</dd>
        </div>
        <div>
          <dt>Used in 30 days</dt>
          <dd>{spent ? count(spent.credits) : "…"}</dd>
        </div>
      </dl>
      <p className={page.quiet}>
        {visitor
          ? "Visitors are given credits as they order, as far as the day's share of their address goes."
          : balance?.allowance
            ? nextAllowance(balance.allowance)
            : balance?.unlimited
              ? "Jobs need no credits here; what they use is counted."
              : ""}
      </p>
    </div>
  );
}

type RowProps = { line: LedgerLine; older: LedgerLine | null | undefined; limited: boolean };

function Row({ line, older, limited }: RowProps) {
  const { what, note, change } = tell(line, older);
  return (
    <tr data-kind={line.kind}>
      <td className={styles.when}>
        <time dateTime={line.at}>{moment(line.at)}</time>
      </td>
      <td className={table.strong}>
        {what}
        {note && <span className={styles.note}> · {note}</span>}
      </td>
      <td className={table.wide}>
        {line.job_id && <JobLink id={line.job_id} prompt={line.prompt} />}
      </td>
      <td className={table.number} data-label={limited ? "Change" : "Credits"}>
        {limited ? signed(change) : count(line.credits)}
      </td>
      {limited && (
        <td className={table.number} data-label="Available">
          {count(line.available_after)}
        </td>
      )}
    </tr>
  );
}

function JobLink({ id, prompt }: { id: string; prompt: string | null | undefined }) {
  return (
    <Link to="/history" search={{ job: id }} className={styles.job}>
      {prompt ?? `Job ${id.slice(-6)}`}
    </Link>
  );
}
