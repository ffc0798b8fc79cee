/** All that is known about a dead letter: what was asked of the provider, what came of it, and the story. */
import { Copy } from "lucide-react";
import { Button } from "@/shared/ui/Button";
import { copy } from "@/shared/ui/clipboard";
import { credits, duration, moment } from "@/shared/ui/format";
import page from "@/shared/ui/page.module.css";
import { tell } from "@/shared/ui/story";
import { titleOf } from "@/shared/ui/wording";
import styles from "./admin.module.css";
import { type Letter, type LetterDetail, useLetter } from "./api";

export function LetterFacts({ letter }: { letter: Letter }) {
  const { data, isError, error } = useLetter(letter.job_id);
  if (isError) return <p className={page.quiet}>It could not be loaded. {error.message}</p>;
  return (
    <div className={styles.facts}>
      <section>
        <h2>The job</h2>
        <dl className={styles.pairs}>
          <Pair name="Prompt">{letter.prompt}</Pair>
          <Pair name="Owner">
            <code>{letter.owner_id}</code>
          </Pair>
          <Pair name="Ordered">{moment(letter.created_at)}</Pair>
          <Pair name="Price">{credits(letter.credits)}, not charged</Pair>
          {letter.error?.provider_message && (
            <Pair name="The provider said">{letter.error.provider_message}</Pair>
          )}
        </dl>
        <Button onClick={() => copy(letter.job_id, "Job id")}>
          <Copy aria-hidden />
          Copy job id
        </Button>
      </section>
      <section>
        <h2>Asked of the provider</h2>
        {data ? <Predictions of={data} /> : <p className={page.quiet} aria-busy="true" />}
      </section>
      <section>
        <h2>What happened</h2>
        {data ? <Story of={data} /> : <p className={page.quiet} aria-busy="true" />}
      </section>
    </div>
  );
}

function Pair({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const words: Record<LetterDetail["predictions"][number]["state"], string> = {
  asked: "Asked",
  ticket: "Accepted there",
  answered: "Answered",
  failed: "Failed",
  unknown: "The answer was lost",
  cancelled: "Cancelled",
};

function Predictions({ of: { predictions } }: { of: LetterDetail }) {
  if (predictions.length === 0) return <p className={page.quiet}>Nothing was.</p>;
  const several = new Set(predictions.map((one) => one.index)).size > 1;
  return (
    <ol className={styles.mishaps}>
      {predictions.map((one) => (
        <li key={`${one.index} ${one.attempt}`}>
          <span>
            Attempt {one.attempt}
            {several && `, picture ${one.index + 1}`}
          </span>
          <span>
            {words[one.state]}
            {one.code && `: ${titleOf(one.code)}`}
            <span className={page.quiet}>
              {" "}
              {[
                one.ended_at && duration(Date.parse(one.ended_at) - Date.parse(one.at)),
                one.usd && `$${one.usd}`,
                one.message,
              ]
                .filter((part) => part)
                .join(" · ")}
            </span>
            {one.provider_id && <code className={styles.id}>{one.provider_id}</code>}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Story({ of: { events, steps, created_at } }: { of: LetterDetail }) {
  const began = Date.parse(created_at);
  const lines = [
    ...events.flatMap((event) => {
      const told = tell(event);
      return told ? { at: event.at, what: told.what, more: told.more } : [];
    }),
    ...steps.map(({ at, name, state }) => ({ at, what: `Step ${name}`, more: state })),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return (
    <ol className={styles.mishaps}>
      {lines.map((line) => (
        <li key={`${line.at} ${line.what}`}>
          <span>+{duration(Math.max(0, Date.parse(line.at) - began))}</span>
          <span>
            {line.what}
            {line.more && <span className={page.quiet}> {line.more}</span>}
          </span>
        </li>
      ))}
    </ol>
  );
}
