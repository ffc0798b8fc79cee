/** Nobody sees it: so that a password manager knows whose password is meant. */
export function Username({ email }: { email: string | null | undefined }) {
  return (
    <input
      className="hidden-visually"
      name="email"
      autoComplete="username"
      value={email ?? ""}
      readOnly
      tabIndex={-1}
      aria-hidden
    />
  );
}
