/** The end of a list that has more: fetched on the way there, or by hand. */
import { useEffect, useRef } from "react";
import { Button } from "./Button";
import styles from "./page.module.css";

type Props = {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
};

export function MoreOf({ list: { hasNextPage, isFetchingNextPage, fetchNextPage } }: Props) {
  const end = useRef<HTMLParagraphElement>(null);
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
  if (!hasNextPage) return null;
  return (
    <p ref={end} className={styles.more}>
      <Button look="outline" disabled={isFetchingNextPage} onClick={() => fetchNextPage()}>
        {isFetchingNextPage ? "Loading more" : "Load more"}
      </Button>
    </p>
  );
}
