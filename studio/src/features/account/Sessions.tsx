/** Where one is logged in. */
import { complaint } from "@/shared/api/client";
import { Button } from "@/shared/ui/Button";
import { moment } from "@/shared/ui/format";
import { ListState } from "@/shared/ui/ListState";
import { toast } from "@/shared/ui/toast";
import styles from "./account.module.css";
import { agentName } from "./agent";
import { type Session, useEndAllSessions, useEndSession, useSessions } from "./api";
import { Section } from "./Section";

export function Sessions() {
  const sessions = useSessions();
  const shown = sessions.data ?? [];
  const endAll = useEndAllSessions();
  return (
    <Section title="Logged in" about="A browser you do not know: end it, and change the password.">
      <ul className={styles.sessions}>
        {shown.map((session) => (
          <One key={session.id} session={session} />
        ))}
      </ul>
      <ListState
        list={sessions}
        count={shown.length}
        what="The sessions"
        bones={1}
        empty={<p>Nowhere.</p>}
      />
      <Button
        look="outline"
        size="large"
        disabled={endAll.isPending || endAll.isSuccess}
        onClick={() => endAll.mutate(undefined, { onError: (error) => toast(complaint(error)) })}
      >
        Log out everywhere
      </Button>
    </Section>
  );
}

function One({ session }: { session: Session }) {
  const end = useEndSession();
  const name = agentName(session.agent);
  return (
    <li data-session={session.id}>
      <span className={styles.agent}>
        {name}
        {session.current && <strong> · this one</strong>}
        <small>
          {session.address && `${session.address} · `}last used{" "}
          <time dateTime={session.used_at}>{moment(session.used_at)}</time>
        </small>
      </span>
      {!session.current && (
        <Button
          look="outline"
          aria-label={`End ${name}`}
          disabled={end.isPending}
          onClick={() => end.mutate(session.id, { onError: (error) => toast(complaint(error)) })}
        >
          End
        </Button>
      )}
    </li>
  );
}
