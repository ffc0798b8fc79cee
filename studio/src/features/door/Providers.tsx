/** Logging in with another site's word. */
import { spelled } from "@/shared/api/door";
import { buttonClass } from "@/shared/ui/Button";
import styles from "./door.module.css";

type Props = { names: readonly string[]; back: string; code?: string | undefined };

/** Why a login at another site led back to the door. */
export function whyBack(code: string, name: string): string {
  switch (code) {
    case "forbidden":
      return `${spelled(name)} knows you, but this server does not let you in with that. If you have an account here, log in with its password and connect ${spelled(name)} on your account page; else ask whoever runs this server.`;
    case "overloaded":
      return `${spelled(name)} can't be reached at the moment. Try again later.`;
    case "rate_limited":
      return "Too many tries from here. Try again in some minutes.";
    default:
      return `The login with ${spelled(name)} did not work. Begin it again.`;
  }
}

export function Providers({ names, back, code }: Props) {
  if (names.length === 0) return null;
  return (
    <div className={styles.others}>
      {names.map((name) => (
        <a
          key={name}
          href={`/api/auth/oidc/${name}?${new URLSearchParams({ next: back, ...(code ? { code } : {}) })}`}
          className={buttonClass("outline", "large")}
        >
          Continue with {spelled(name)}
        </a>
      ))}
    </div>
  );
}
