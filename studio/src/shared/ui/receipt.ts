/** A job's receipt as the lines somebody wants to read: what is zero and says nothing is left out. */
import type { Receipt } from "@/shared/api/types";
import { count } from "./format";

export type ReceiptLine = { name: string; amount: string; strong?: boolean };

export function receiptLines(receipt: Receipt): ReceiptLine[] {
  const { quoted, held, confirmed, released, refunded, charged, finished_at } = receipt;
  const each =
    receipt.count > 1 && quoted > 0 ? ` (${receipt.count} × ${count(receipt.price.each)})` : "";
  const lines: ReceiptLine[] = [];
  if (quoted > 0) lines.push({ name: `Quoted${each}`, amount: count(quoted) });
  if (held > 0) lines.push({ name: "Set aside", amount: count(held) });
  if (confirmed > 0 && confirmed !== charged)
    lines.push({ name: "Paid", amount: count(confirmed) });
  if (released > 0) lines.push({ name: "Given back", amount: count(released) });
  if (refunded > 0) lines.push({ name: "Refunded", amount: count(refunded) });
  if (finished_at !== null) lines.push({ name: "Charged", amount: count(charged), strong: true });
  return lines;
}
