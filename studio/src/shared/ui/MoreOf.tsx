/** The end of a list that has more: fetched on the way there, or by hand. */
import { useEffect, useRef } from "react";
import { Button } from "./Button";
import styles from "./page.module.css";

type Props = {
  list: {
    hasNextPage: boolean;
    isFetchingNextPage: boolean;
    isFetchNextPageError: boolean;
    error: Error | null;
    fetchNextPage: () => unknown;
  };
};

export function MoreOf({ list }: Props) {
  const { hasNextPage, isFetchingNextPage, isFetchNextPageError, error, fetchNextPage } = list;
  const end = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    const mark = end.current;
    // What has failed is asked for again by hand: by itself it would be without end.
    if (!mark || !hasNextPage || isFetchingNextPage || isFetchNextPageError) return;
    const seen = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && void fetchNextPage(),
      { rootMargin: "0px 0px 400px" },
    );
    seen.observe(mark);
    return () => seen.disconnect();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  if (!hasNextPage) return null;
  return (
    <p ref={end} className={styles.more}>
      {isFetchNextPageError && <span role="alert">Not loaded. {error?.message} </span>}
      <Button look="outline" disabled={isFetchingNextPage} onClick={() => fetchNextPage()}>
        {isFetchingNextPage ? "Loading more" : "Load more"}
      </Button>
    </p>
  );
}
