/** The dim red lamp. */
export function Mark() {
  return (
    <svg viewBox="0 0 28 28" width="28" height="28" aria-hidden="true">
      <path d="M14 2.5v4" stroke="var(--ink)" strokeWidth="2" strokeLinecap="round" />
      <path d="M5 16a9 9 0 0 1 18 0z" fill="var(--accent)" />
      <path
        d="M8.6 20l-1.7 4.2M14 20v5M19.4 20l1.7 4.2"
        stroke="var(--accent)"
        strokeWidth="2"
        strokeLinecap="round"
        opacity="0.55"
      />
    </svg>
  );
}
