/** Where the prompt is written and sent. */
import { useQueryClient } from "@tanstack/react-query";
import { ArrowUp } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { takesReferences, useStyles } from "@/shared/api/catalogue";
import { complaint, type Trouble } from "@/shared/api/client";
import { newOrder, useSubmit } from "@/shared/api/jobs";
import { keys } from "@/shared/api/keys";
import type { JobIn, Model } from "@/shared/api/types";
import { count } from "@/shared/ui/format";
import { toast } from "@/shared/ui/toast";
import { AddReference } from "./AddReference";
import { useAttached } from "./attached";
import { AspectPicker, CountPicker, ModelPicker } from "./Choices";
import { Cost } from "./Cost";
import styles from "./composer.module.css";
import { abilities, type Draft, fitted, orderFrom } from "./draft";
import { MoreOptions } from "./MoreOptions";
import { References } from "./References";
import { Refusal } from "./Refusal";
import { releaseReferences } from "./references";
import refs from "./references.module.css";

type Props = {
  models: readonly Model[];
  ready: boolean;
  /** Why the models could not be loaded. */
  failed: string | null;
  draft: Draft;
  onDraft: (change: (before: Draft) => Draft) => void;
  /** Earlier prompts, newest first. */
  earlier: readonly string[];
};

// One press of Send is one order: a repeat after a lost answer carries the same key, also when somebody has been on
// another page meanwhile.
let pending: { body: string; sent: { order: JobIn; key: string } } | null = null;

export function Composer({ models, ready, failed, draft: wished, onDraft, earlier }: Props) {
  const cache = useQueryClient();
  const styleGuides = useStyles();
  const submit = useSubmit();
  const prompt = useRef<HTMLTextAreaElement>(null);
  // Which of the earlier prompts stands there; -1: none, but one's own words, which wait while others are looked at.
  const recall = useRef(-1);
  const own = useRef("");
  // Enter came before the models or the references did: it is meant all the same.
  const [eager, setEager] = useState(false);

  const can = abilities(models, wished.model);
  // While the models are on their way the wishes stand as they are.
  const draft = ready ? fitted(wished, can) : wished;
  const set = (change: Partial<Draft>) => onDraft((before) => ({ ...before, ...change }));
  const tooLong = draft.prompt.length > can.promptMax;
  const able = models.some((model) => model.available);

  const { references, sources, uploading, broken, unfit, attach, dragging } = useAttached(
    models,
    draft.model,
    can,
  );
  const written = draft.prompt.trim() !== "" && !tooLong;
  const waits = !ready || uploading;
  const sendable = !waits && !broken && !unfit && able && written && !submit.isPending;

  const send = (change: Partial<Draft> = {}) => {
    if (waits) setEager(written);
    if (!sendable) return;
    const wanted = { ...wished, ...change };
    const order = orderFrom(wanted, abilities(models, wanted.model), sources);
    if (Object.keys(change).length > 0) set(change);
    const body = JSON.stringify(order);
    if (pending?.body !== body) pending = { body, sent: newOrder(order) };
    const { sent } = pending;
    const settle = () => {
      if (pending?.sent === sent) pending = null;
    };
    window.dispatchEvent(new Event("safelight:sent"));
    // By its promise: what a page hands to `mutate` is not called once the page is left.
    submit.mutateAsync(sent).then(
      () => {
        settle();
        recall.current = -1;
        // The next thought may stand there by now.
        onDraft((now) => (now.prompt.trim() === order.prompt ? { ...now, prompt: "" } : now));
        releaseReferences(sources.references);
      },
      (error: Trouble) => {
        // Refused for good: the corrected order is a new one. A lost answer keeps its key.
        const { code } = error;
        if (code !== "unreachable" && code !== "overloaded") settle();
        if (code === "unknown_model") void cache.invalidateQueries({ queryKey: keys.models });
        if (code === "insufficient_credits")
          void cache.invalidateQueries({ queryKey: keys.balance });
        if (prompt.current) prompt.current.focus();
        else toast(complaint(error));
      },
    );
  };

  useEffect(() => {
    if (!eager || waits) return;
    setEager(false);
    send();
  });

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape") {
      prompt.current?.blur();
    } else if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      const step = event.key === "ArrowUp" ? 1 : -1;
      const next = Math.max(-1, Math.min(earlier.length - 1, recall.current + step));
      if (next === recall.current) return;
      if (recall.current < 0) own.current = draft.prompt;
      recall.current = next;
      set({ prompt: earlier[next] ?? own.current });
    }
  };

  const trouble = submit.error as Trouble | null;
  const promptError = trouble?.fields.find((field) => field.field === "prompt")?.message;

  return (
    <form
      className={styles.dock}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className={styles.box}>
        {dragging && <p className={refs.target}>Drop to use as a reference</p>}
        <References
          references={references}
          takesMask={can.mask}
          misfit={unfit}
          problem={trouble?.fields.find((one) => /^(references|mask)\b/.test(one.field))?.message}
          onModel={(model) => set({ model })}
        />
        <div className={styles.grow} data-text={`${draft.prompt} `}>
          <textarea
            id="prompt"
            ref={prompt}
            rows={1}
            // A phone would open its keyboard over the page before anything was read.
            // biome-ignore lint/a11y/noAutofocus: writing a prompt is what this page is for
            autoFocus={window.matchMedia("(pointer: fine)").matches}
            aria-label="Prompt"
            aria-invalid={tooLong || promptError !== undefined}
            aria-describedby="prompt-problem"
            placeholder={can.kind === "text" ? "Write to it" : "Describe a picture"}
            value={draft.prompt}
            onChange={(event) => {
              if (trouble) submit.reset();
              setEager(false);
              recall.current = -1;
              set({ prompt: event.target.value });
            }}
            onKeyDown={onKeyDown}
          />
        </div>
        <p id="prompt-problem" className={styles.problem}>
          {tooLong
            ? `Longer than ${count(can.promptMax)} characters: ${count(draft.prompt.length)}.`
            : promptError}
          {eager && (
            <span className={styles.soon}>
              {failed ??
                (ready
                  ? "Sent as soon as the references are there."
                  : "Sent as soon as the models are loaded.")}
            </span>
          )}
        </p>
        <div className={styles.controls}>
          <div className={styles.choices}>
            <ModelPicker models={models} value={draft.model} onChange={(model) => set({ model })} />
            {can.kind === "image" && (
              <AspectPicker
                ratios={can.aspects}
                value={draft.aspect}
                onChange={(aspect) => set({ aspect })}
              />
            )}
            {can.countMax > 1 && (
              <CountPicker
                max={can.countMax}
                value={draft.count}
                onChange={(several) => set({ count: several })}
              />
            )}
            <MoreOptions
              ready={ready}
              draft={draft}
              can={can}
              guides={styleGuides}
              trouble={trouble}
              onChange={set}
            />
            {/* Last, so that nothing moves when the models say that one takes references. */}
            {takesReferences(models) && <AddReference onFiles={attach} />}
          </div>
          {ready && able && (
            <Cost
              can={can}
              draft={draft}
              order={sendable ? orderFrom(draft, can, sources) : null}
            />
          )}
          <button
            type="submit"
            className={styles.send}
            aria-label="Send"
            title="Send"
            aria-disabled={!sendable}
            data-busy={submit.isPending || undefined}
          >
            <ArrowUp aria-hidden />
          </button>
        </div>
      </div>
      {trouble && (
        <Refusal
          key={submit.submittedAt}
          trouble={trouble}
          models={models}
          kind={can.kind}
          draft={draft}
          sources={sources}
          onSend={send}
          onCancel={() => submit.reset()}
        />
      )}
    </form>
  );
}
