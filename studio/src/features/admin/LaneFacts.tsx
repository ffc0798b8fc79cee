/** How a lane's provider does: calls, limits, models, and what went wrong lately. */
import { count, duration, moment } from "@/shared/ui/format";
import page from "@/shared/ui/page.module.css";
import { titleOf } from "@/shared/ui/wording";
import styles from "./admin.module.css";
import { type Lane, type ModelFigures, type Provider, useModelFigures, useProviders } from "./api";

export function LaneFacts({ lane }: { lane: Lane }) {
  const providers = useProviders();
  const models = useModelFigures();
  const provider = providers.data?.find((one) => one.name === lane.lane);
  if (providers.isError) {
    return <p className={page.quiet}>The provider's figures could not be loaded.</p>;
  }
  if (!provider) {
    return (
      <p className={page.quiet} aria-busy={providers.isPending}>
        {providers.isPending ? "" : "No provider of this name is connected."}
      </p>
    );
  }
  const served = (models.data ?? []).filter((model) => model.provider === lane.lane);
  const on = served.filter((model) => model.available);
  const off = served.length - on.length;
  return (
    <div className={styles.facts}>
      <section>
        <h2>Calls</h2>
        <Calls of={provider} />
      </section>
      {provider.limits.length > 0 && (
        <section>
          <h2>Limits</h2>
          <dl className={styles.pairs}>
            {provider.limits.map((limit) => (
              <div key={limit.name}>
                <dt>{limit.name}</dt>
                <dd>
                  {[
                    limit.at_once !== null &&
                      `${count(limit.in_use)} of ${count(limit.at_once)} at once`,
                    limit.per_minute !== null &&
                      `${count(limit.last_minute)} of ${count(limit.per_minute)} a minute`,
                  ]
                    .filter((part) => part)
                    .join(", ")}
                </dd>
              </div>
            ))}
          </dl>
        </section>
      )}
      <section>
        <h2>Latest errors</h2>
        {provider.last_errors.length === 0 && <p className={page.quiet}>None today.</p>}
        <ul className={styles.mishaps}>
          {provider.last_errors.map((mishap) => (
            <li key={`${mishap.at} ${mishap.model}`}>
              <time dateTime={mishap.at}>{moment(mishap.at)}</time>
              <span>
                {mishap.code ? titleOf(mishap.code) : "The answer was lost"}
                <span className={page.quiet}> {mishap.message ?? mishap.model}</span>
              </span>
            </li>
          ))}
        </ul>
      </section>
      <section>
        <h2>Models</h2>
        <dl className={styles.pairs}>
          {on.map((model) => (
            <div key={model.id}>
              <dt>{model.id}</dt>
              <dd>{callsOf(model)}</dd>
            </div>
          ))}
        </dl>
        {off > 0 && (
          <p className={page.quiet}>{off === 1 ? "1 more is" : `${off} more are`} switched off.</p>
        )}
      </section>
    </div>
  );
}

function Calls({ of }: { of: Provider }) {
  return (
    <dl className={styles.pairs}>
      <div>
        <dt>Answered in the last hour</dt>
        <dd>{count(of.answered_last_hour)}</dd>
      </div>
      <div>
        <dt>Failed in the last hour</dt>
        <dd>{count(of.failed_last_hour)}</dd>
      </div>
      <div>
        <dt>Usual time</dt>
        <dd>{of.p50_seconds === null ? "–" : duration(of.p50_seconds * 1000)}</dd>
      </div>
      <div>
        <dt>Cost today</dt>
        <dd>{Number(of.usd_today) > 0 ? `$${Number(of.usd_today).toFixed(2)}` : "–"}</dd>
      </div>
      <div>
        <dt>Workers</dt>
        <dd>{count(of.workers)}</dd>
      </div>
    </dl>
  );
}

function callsOf(model: ModelFigures): string {
  const calls = `${count(model.answered_last_hour)} answered, ${count(model.failed_last_hour)} failed`;
  return model.p50_seconds === null ? calls : `${calls}, ${duration(model.p50_seconds * 1000)}`;
}
