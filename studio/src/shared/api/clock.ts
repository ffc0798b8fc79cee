/** The server's clock, as far as the Date header tells. A self-hosted box and a phone rarely agree. */
let aheadMs = 0;

export function noteServerTime(header: string | null): void {
  const at = header ? Date.parse(header) : Number.NaN;
  if (Number.isNaN(at)) return;
  const difference = at - Date.now();
  // The header has whole seconds: below two, the two clocks agree as well as it can say.
  aheadMs = Math.abs(difference) < 2000 ? 0 : difference;
}

export const serverNow = (): number => Date.now() + aheadMs;
