/** Where a conversation stands: at its end, unless somebody reads further up. */
import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";
import { focusAgain, takePlace } from "@/shared/ui/place";

type Turns = {
  first: string | undefined;
  last: string | undefined;
  more: boolean;
  loadMore: () => unknown;
};

const NEAR_END_PX = 120;

const toEnd = () =>
  window.scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
const atEnd = () =>
  window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - NEAR_END_PX;

export function useConversationScroll(list: RefObject<HTMLDivElement | null>, turns: Turns) {
  const pinned = useRef(true);
  const placed = useRef(false);
  const before = useRef<{ first: string | undefined; height: number }>({
    first: undefined,
    height: 0,
  });
  const earlier = useRef<HTMLDivElement>(null);

  // Before the paint: the first turns appear at their end, or where the reader had left.
  useLayoutEffect(() => {
    if (!turns.last || placed.current) return;
    placed.current = true;
    const place = takePlace("create");
    if (place) {
      window.scrollTo({ top: place.y, behavior: "instant" });
      focusAgain(place);
      pinned.current = atEnd();
    } else toEnd();
  }, [turns.last]);

  // A turn of one's own, or a new one while looking at the end, is followed.
  useLayoutEffect(() => {
    if (turns.last && placed.current && pinned.current) toEnd();
  }, [turns.last]);

  // Earlier turns come in above: what is being read stays where it is.
  useLayoutEffect(() => {
    const height = list.current?.scrollHeight ?? 0;
    const grown = height - before.current.height;
    if (
      before.current.first &&
      before.current.first !== turns.first &&
      !pinned.current &&
      grown > 0
    ) {
      window.scrollBy({ top: grown, behavior: "instant" });
    }
    before.current = { first: turns.first, height };
  }, [turns.first, list]);

  useEffect(() => {
    const box = list.current;
    if (!box) return;
    const look = () => {
      pinned.current = atEnd();
      before.current.height = box.scrollHeight;
    };
    const follow = () => {
      before.current.height = box.scrollHeight;
      if (pinned.current && placed.current) toEnd();
    };
    const size = new ResizeObserver(follow);
    size.observe(box);
    window.addEventListener("scroll", look, { passive: true });
    const pin = () => {
      pinned.current = true;
    };
    window.addEventListener("safelight:sent", pin);
    return () => {
      size.disconnect();
      window.removeEventListener("scroll", look);
      window.removeEventListener("safelight:sent", pin);
    };
  }, [list]);

  const { more, loadMore } = turns;
  useEffect(() => {
    const mark = earlier.current;
    if (!mark || !more) return;
    const seen = new IntersectionObserver(
      (entries) => {
        if (entries.some((entry) => entry.isIntersecting) && placed.current) loadMore();
      },
      { rootMargin: "600px 0px 0px" },
    );
    seen.observe(mark);
    return () => seen.disconnect();
  }, [more, loadMore]);

  return { earlier };
}
