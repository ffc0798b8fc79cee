/** Say what it should look like, watch it come up, keep going. Oldest at the top, as in a conversation. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef } from "react";
import { useModels } from "@/shared/api/catalogue";
import { useFeed } from "@/shared/api/jobs";
import type { Job } from "@/shared/api/types";
import { day } from "@/shared/ui/format";
import { MoreOf } from "@/shared/ui/MoreOf";
import { Composer } from "./Composer";
import styles from "./create.module.css";
import { FirstRun } from "./FirstRun";
import { addPictures, startAgain } from "./references";
import { useConversationScroll } from "./scroll";
import { Turn } from "./Turn";
import { changeDraft, useDraft } from "./written";

export function Create() {
  const { models, loaded, problem } = useModels();
  const feed = useFeed();
  const draft = useDraft();
  const list = useRef<HTMLDivElement>(null);
  useHandedOver();

  const turns = useMemo(
    () => (feed.data?.pages ?? []).flatMap((page) => page.items).reverse(),
    [feed.data],
  );
  const { earlier } = useConversationScroll(list, {
    first: turns[0]?.id,
    last: turns.at(-1)?.id,
    more: feed.hasNextPage && !feed.isFetchingNextPage && !feed.isFetchNextPageError,
    loadMore: feed.fetchNextPage,
  });

  const prompts = useMemo(() => [...new Set(turns.map((job) => job.prompt))].reverse(), [turns]);

  return (
    <div className={styles.page}>
      <div className={styles.turns} ref={list}>
        <div ref={earlier} />
        {feed.isFetchNextPageError && <MoreOf list={feed} />}
        {feed.isError && turns.length === 0 && (
          <p className={styles.problem}>
            Your earlier jobs could not be loaded. New ones work as soon as the server does.
          </p>
        )}
        {feed.isSuccess && turns.length === 0 && (
          <FirstRun
            models={models}
            loaded={loaded}
            onPick={(prompt) => {
              changeDraft((before) => ({ ...before, prompt }));
              document.getElementById("prompt")?.focus();
            }}
          />
        )}
        {turns.map((job, i) => (
          <Turn
            key={job.id}
            seed={job}
            models={models}
            onEdit={edit}
            heading={dayChange(turns[i - 1], job)}
            newest={i === turns.length - 1}
          />
        ))}
      </div>
      <Composer
        models={models}
        draft={draft}
        onDraft={changeDraft}
        earlier={prompts}
        ready={loaded}
        failed={problem}
      />
    </div>
  );
}

function edit(job: Job): void {
  changeDraft((before) => ({ ...before, prompt: job.prompt }));
  startAgain(job.references, job.mask);
  document.getElementById("prompt")?.focus();
}

function dayChange(before: Job | undefined, job: Job): string | null {
  const today = day(job.created_at);
  if (before) return day(before.created_at) === today ? null : today;
  return today === "Today" ? null : today;
}

/** A prompt or a reference in the address goes into the composer, once, and out of the address. */
function useHandedOver() {
  const { prompt, reference } = useSearch({ from: "/shell/" });
  const navigate = useNavigate({ from: "/" });
  useEffect(() => {
    if (!prompt && !reference) return;
    if (prompt) changeDraft((before) => ({ ...before, prompt }));
    if (reference) addPictures([reference]);
    void navigate({ search: {}, replace: true });
    document.getElementById("prompt")?.focus();
  }, [prompt, reference, navigate]);
}
