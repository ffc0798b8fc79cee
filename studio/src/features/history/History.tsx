/** Every job there was: found again by its words, its state, its model, its day. */
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import { useModels } from "@/shared/api/catalogue";
import { type JobFilter, useHistory } from "@/shared/api/jobs";
import { Button, buttonClass } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { Filters } from "./Filters";
import styles from "./history.module.css";
import { JobRows } from "./JobRows";

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

export function History() {
  const filter = useSearch({ from: "/shell/history" });
  const navigate = useNavigate({ from: "/history" });
  const pages = useHistory(useMemo(() => asked(filter), [filter]));
  const { models } = useModels();
  const jobs = useMemo(() => (pages.data?.pages ?? []).flatMap((page) => page.items), [pages.data]);
  const filtered = Object.values(filter).some((value) => value !== undefined);
  const end = useRef<HTMLDivElement>(null);

  const { hasNextPage, isFetchingNextPage, fetchNextPage } = pages;
  useEffect(() => {
    const mark = end.current;
    if (!mark || !hasNextPage || isFetchingNextPage) return;
    const seen = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && void fetchNextPage(),
      { rootMargin: "0px 0px 400px" },
    );
    seen.observe(mark);
    return () => seen.disconnect();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage]);

  return (
    <div className={styles.page}>
      <Filters filter={filter} models={models} />
      {jobs.length > 0 && (
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
              <JobRows key={job.id} seed={job} models={models} />
            ))}
          </tbody>
        </table>
      )}
      {pages.isSuccess && jobs.length === 0 && filtered && (
        <Empty
          action={
            <Button look="outline" size="large" onClick={() => navigate({ search: {} })}>
              Clear filters
            </Button>
          }
        >
          {filter.q ? (
            <>
              Nothing matches <em>{filter.q}</em>
            </>
          ) : (
            "Nothing matches these filters"
          )}
        </Empty>
      )}
      {pages.isSuccess && jobs.length === 0 && !filtered && (
        <Empty
          action={
            <Link to="/" className={buttonClass("outline", "large")}>
              Create
            </Link>
          }
        >
          Nothing was made yet.
        </Empty>
      )}
      {pages.isError && jobs.length === 0 && (
        <Empty
          action={
            <Button look="outline" size="large" onClick={() => pages.refetch()}>
              Try again
            </Button>
          }
        >
          The jobs could not be loaded. {pages.error.message}
        </Empty>
      )}
      <div ref={end}>
        {hasNextPage && (
          <p className={styles.more}>
            <Button look="outline" disabled={isFetchingNextPage} onClick={() => fetchNextPage()}>
              {isFetchingNextPage ? "Loading more" : "Load more"}
            </Button>
          </p>
        )}
      </div>
    </div>
  );
}
