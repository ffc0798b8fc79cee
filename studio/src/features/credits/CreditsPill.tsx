/** What there is to pay with, on every page; what is set aside and what comes next, when asked. */
import { Link } from "@tanstack/react-router";
import { Coins } from "lucide-react";
import { useState } from "react";
import { useBalance, useSpent } from "@/shared/api/credits";
import { isVisitor, useMe } from "@/shared/api/me";
import type { Balance } from "@/shared/api/types";
import { buttonClass } from "@/shared/ui/Button";
import { count, credits } from "@/shared/ui/format";
import { Panel } from "@/shared/ui/Panel";
import pill from "@/shared/ui/pill.module.css";
import { nextAllowance } from "./ledger";
import styles from "./pill.module.css";

export function CreditsPill() {
  const balance = useBalance();
  const [open, setOpen] = useState(false);
  const visitor = isVisitor(useMe());
  if (!balance || visitor) return null;
  const { available, held, unlimited } = balance;
  const name = unlimited ? "Unlimited credits" : `${credits(available)} available`;
  return (
    <Panel
      title="Credits"
      align="end"
      width={260}
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button
          type="button"
          className={pill.pill}
          aria-label={held > 0 ? `${name}, ${credits(held)} set aside` : name}
          title={held > 0 ? `${credits(held)} set aside for jobs` : undefined}
        >
          <Coins aria-hidden />
          {unlimited ? "Unlimited" : count(available)}
        </button>
      }
    >
      <Standing balance={balance} />
      <Link
        to="/credits"
        className={`${buttonClass("outline")} ${styles.all}`}
        onClick={() => setOpen(false)}
      >
        All entries
      </Link>
    </Panel>
  );
}

function Standing({ balance }: { balance: Balance }) {
  const { available, held, unlimited, allowance } = balance;
  const spent = useSpent(unlimited);
  return (
    <div className={styles.standing}>
      <dl>
        <div>
          <dt>Available</dt>
          <dd>{unlimited ? "Unlimited" : count(available)}</dd>
        </div>
        <div>
          <dt>Set aside for jobs</dt>
          <dd>{count(held)}</dd>
        </div>
        {unlimited && (
          <div>
            <dt>Used in 30 days</dt>
            <dd>{spent ? count(spent.credits) : "…"}</dd>
          </div>
        )}
      </dl>
      {allowance && <p>{nextAllowance(allowance)}</p>}
    </div>
  );
}
