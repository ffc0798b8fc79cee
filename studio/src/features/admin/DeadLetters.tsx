/** Jobs that failed through no fault of their owners: looked at, ordered again, or discarded. */
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { useModels } from "@/shared/api/catalogue";
import { complaint } from "@/shared/api/client";
import { Button } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { ListState } from "@/shared/ui/ListState";
import { ModelFilter } from "@/shared/ui/ModelFilter";
import { MoreOf } from "@/shared/ui/MoreOf";
import { Picker } from "@/shared/ui/Picker";
import page from "@/shared/ui/page.module.css";
import { Table } from "@/shared/ui/Table";
import { toast } from "@/shared/ui/toast";
import { titleOf } from "@/shared/ui/wording";
import styles from "./admin.module.css";
import { type Deed, type Letter, type LetterFilter, useDeed, useLetters } from "./api";
import { Discarding } from "./Discarding";
import { LetterRows } from "./LetterRows";
import { Results, type Told } from "./Results";

type StateChoice = NonNullable<LetterFilter["state"]> | "open";

const states: readonly { value: StateChoice; label: string }[] = [
  { value: "open", label: "Open" },
  { value: "replayed", label: "Replayed" },
  { value: "discarded", label: "Discarded" },
  { value: "all", label: "All" },
];

/** What a job dies of that is not its owner's to mend. */
const codes: readonly string[] = [
  "provider_failure",
  "provider_busy",
  "provider_auth",
  "invalid_output",
  "timeout",
  "internal",
];

export function DeadLetters() {
  const filter = useSearch({ from: "/shell/admin/dead-letters" });
  const letters = useLetters(filter);
  const shown = (letters.data?.pages ?? []).flatMap((one) => one.items);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [discarding, setDiscarding] = useState<readonly Letter[] | null>(null);
  const [told, setTold] = useState<Told | null>(null);
  const deed = useDeed();

  // What has left the list is not chosen any more.
  const open = shown.filter((letter) => letter.state === "open");
  const chosen = open.filter((letter) => marked.has(letter.job_id));
  const mark = (ids: readonly string[], on: boolean) =>
    setMarked((before) => {
      const next = new Set(before);
      for (const id of ids) on ? next.add(id) : next.delete(id);
      return next;
    });

  const act = (what: Deed, which: readonly Letter[]) => {
    const ids = which.map((letter) => letter.job_id);
    deed.mutate(
      { deed: what, ids },
      {
        onSuccess: (outcomes) => {
          setTold({ deed: what, letters: which, outcomes });
          mark(ids, false);
        },
        onError: (error) => toast(complaint(error)),
        onSettled: () => setDiscarding(null),
      },
    );
  };

  const everything = open.length > 0 && (
    <input
      type="checkbox"
      className={styles.mark}
      aria-label="All that are shown"
      checked={chosen.length === open.length}
      onChange={(event) =>
        mark(
          open.map((letter) => letter.job_id),
          event.target.checked,
        )
      }
    />
  );

  return (
    <>
      <Filters filter={filter} />
      {told && <Results told={told} onClose={() => setTold(null)} />}
      {shown.length > 0 && (
        <Table
          caption="Dead letters, newest first"
          columns={[
            everything,
            "Reason",
            "Prompt",
            "Model",
            { figures: "Attempts" },
            { figures: "When" },
          ]}
        >
          {shown.map((letter) => (
            <LetterRows
              key={letter.job_id}
              letter={letter}
              marked={marked.has(letter.job_id)}
              busy={deed.isPending}
              onMark={(on) => mark([letter.job_id], on)}
              onReplay={() => act("replay", [letter])}
              onDiscard={() => setDiscarding([letter])}
            />
          ))}
        </Table>
      )}
      <State list={letters} count={shown.length} filter={filter} />
      <MoreOf list={letters} />
      {chosen.length > 0 && (
        <section className={styles.chosen} aria-label="Chosen dead letters">
          <span>{chosen.length} chosen</span>
          <Button look="primary" disabled={deed.isPending} onClick={() => act("replay", chosen)}>
            Replay
          </Button>
          <Button look="outline" disabled={deed.isPending} onClick={() => setDiscarding(chosen)}>
            Discard
          </Button>
          <Button onClick={() => setMarked(new Set())}>Clear</Button>
        </section>
      )}
      {discarding && (
        <Discarding
          count={discarding.length}
          busy={deed.isPending}
          onDiscard={() => act("discard", discarding)}
          onClose={() => setDiscarding(null)}
        />
      )}
    </>
  );
}

function useFilter() {
  const navigate = useNavigate({ from: "/admin/dead-letters" });
  return {
    set: (change: LetterFilter) =>
      void navigate({
        search: (before) => ({ ...before, ...change }),
        replace: true,
        resetScroll: false,
      }),
    clear: () => void navigate({ search: {} }),
  };
}

function Filters({ filter }: { filter: LetterFilter }) {
  const { set } = useFilter();
  const { models } = useModels();
  return (
    <div className={page.filters}>
      <Picker<StateChoice>
        label="State"
        look="dense"
        value={filter.state ?? "open"}
        choices={states}
        onChange={(state) => set({ state: state === "open" ? undefined : state })}
      />
      <Picker
        label="Reason"
        look="dense"
        width={260}
        value={filter.code ?? ""}
        choices={[
          { value: "", label: "Any reason" },
          ...codes.map((code) => ({ value: code, label: titleOf(code) })),
        ]}
        onChange={(code) => set({ code: code || undefined })}
      />
      <ModelFilter models={models} value={filter.model} onChange={(model) => set({ model })} />
    </div>
  );
}

type StateProps = {
  list: ReturnType<typeof useLetters>;
  count: number;
  filter: LetterFilter;
};

function State({ list, count, filter }: StateProps) {
  const { clear } = useFilter();
  const filtered = Object.values(filter).some((value) => value !== undefined);
  return (
    <ListState
      list={list}
      count={count}
      what="The dead letters"
      bones={4}
      unmatched={filtered ? { what: "Nothing matches these filters", onClear: clear } : undefined}
      empty={
        <Empty>
          No dead letters. Everything that was asked for was made or refused for a reason.
        </Empty>
      }
    />
  );
}
