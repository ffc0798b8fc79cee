/** The ledger in a person's words: what happened, and what it did to what is available. */
import type { Balance, LedgerLine } from "@/shared/api/types";
import { count, credits, moment } from "@/shared/ui/format";

export type Told = {
  what: string;
  /** About the money, where that needs saying. */
  note: string | null;
  /** How what is available changed: paying takes from what was set aside before. */
  change: number;
};

/**
 * `older`: the line before this one in time, if it is known. A job that was delivered in part is paid for and
 * given back at one moment, so its payment stands right there; undefined where nobody has looked yet.
 */
export function tell(line: LedgerLine, older: LedgerLine | null | undefined): Told {
  const amount = line.credits;
  switch (line.kind) {
    case "grant":
      return { what: "Granted", note: line.note, change: amount };
    case "hold":
      return { what: "Set aside", note: line.note, change: -amount };
    case "confirm":
      return {
        what: `Paid ${credits(amount)}`,
        note: line.note ?? "from what was set aside",
        change: 0,
      };
    case "release":
    case "expire":
      return { what: "Given back", note: line.note ?? whyBack(line, older), change: amount };
    case "refund":
      return { what: "Refunded", note: line.note, change: amount };
  }
}

function whyBack(line: LedgerLine, older: LedgerLine | null | undefined): string | null {
  if (older === undefined) return null;
  const paid = older?.kind === "confirm" && older.job_id === line.job_id;
  return paid ? "for what was not delivered" : "You were not charged";
}

/** +4 · −4 · 0 */
export const signed = (n: number): string =>
  n > 0 ? `+${count(n)}` : n < 0 ? `−${count(-n)}` : "0";

const every = { day: "day", week: "week", month: "month" } as const;

export const nextAllowance = ({
  credits: amount,
  every: period,
  next_at,
}: NonNullable<Balance["allowance"]>): string =>
  `Filled up to ${credits(amount)} every ${every[period]}, next: ${moment(next_at)}.`;
