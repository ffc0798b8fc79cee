/** Every job there was: found again by its words, its state, its model, its day. */
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useModels } from "@/shared/api/catalogue";
import { jobQuery, useHistory } from "@/shared/api/jobs";
import type { Job, JobFilter, Model } from "@/shared/api/types";
import { buttonClass } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { ListState } from "@/shared/ui/ListState";
import { MoreOf } from "@/shared/ui/MoreOf";
import page from "@/shared/ui/page.module.css";
import { Filters } from "./Filters";
import styles from "./history.module.css";
import { JobRows } from "./JobRows";

export function History() {
  const { job, ...filter } = useSearch({ from: "/shell/history" });
  return <div className={page.page}>{job ? <One id={job} /> : <All filter={filter} />}</div>;
}

/** Days as the person means them: their own midnights, the last day included. */
function asked({ from, to, ...rest }: JobFilter): JobFilter {
  const midnight = (date: string, plusDays = 0) => {
    const at = new Date(`${date}T00:00:00`);
    at.setDate(at.getDate() + plusDays);
    return at.toISOString();
  };
  return {
    ...rest,
    ...(from ? { from: midnight(from) } : {}),
    ...(to ? { to: midnight(to, 1) } : {}),
  };
}

function All({ filter }: { filter: JobFilter }) {
  const navigate = useNavigate({ from: "/history" });
  const { q, status, type, model, from, to } = filter;
  const wanted = useMemo(
    () => asked({ q, status, type, model, from, to }),
    [q, status, type, model, from, to],
  );
  const pages = useHistory(wanted);
  const { models } = useModels();
  const jobs = useMemo(() => (pages.data?.pages ?? []).flatMap((one) => one.items), [pages.data]);
  const filtered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <Filters filter={filter} models={models} />
      {jobs.length > 0 && <Jobs jobs={jobs} models={models} />}
      <ListState
        list={pages}
        count={jobs.length}
        what="The jobs"
        bones={6}
        unmatched={
          filtered
            ? {
                what: q ? (
                  <>
                    Nothing matches <em>{q}</em>
                  </>
                ) : (
                  "Nothing matches these filters"
                ),
                onClear: () => navigate({ search: {} }),
              }
            : undefined
        }
        empty={
          <Empty
            action={
              <Link to="/" className={buttonClass("outline", "large")}>
                Create
              </Link>
            }
          >
            Nothing was made yet.
          </Empty>
        }
      />
      <MoreOf list={pages} />
    </>
  );
}

/** The one a link led to, opened. */
function One({ id }: { id: string }) {
  const { models } = useModels();
  const { data, isError, error } = useQuery(jobQuery(id));
  const all = (
    <Link to="/history" search={{}} className={buttonClass("outline")}>
      All jobs
    </Link>
  );
  if (isError) return <Empty action={all}>This job is not here. {error.message}</Empty>;
  return (
    <>
      <p className={styles.back}>{all}</p>
      {data && <Jobs jobs={[data.job]} models={models} open />}
    </>
  );
}

type JobsProps = { jobs: readonly Job[]; models: readonly Model[]; open?: boolean };

function Jobs({ jobs, models, open = false }: JobsProps) {
  return (
    <table className={styles.table}>
      <caption className="hidden-visually">Jobs, newest first</caption>
      <thead>
        <tr>
          <th scope="col">State</th>
          <th scope="col">Prompt</th>
          <th scope="col">Model</th>
          <th scope="col">Size</th>
          <th scope="col" className={styles.number}>
            Time
          </th>
          <th scope="col" className={styles.number}>
            Credits
          </th>
          <th scope="col" className={styles.number}>
            Created
          </th>
          <th scope="col">
            <span className="hidden-visually">Actions</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {jobs.map((job) => (
          <JobRows key={job.id} seed={job} models={models} initiallyOpen={open} />
        ))}
      </tbody>
    </table>
  );
}
