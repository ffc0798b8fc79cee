/** What waits and runs in each provider's lane, and whether it is asked at all. */
import { Link } from "@tanstack/react-router";
import { ChevronDown, Pause, Play } from "lucide-react";
import { useState } from "react";
import { complaint } from "@/shared/api/client";
import { Button, IconButton } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";
import { about, count } from "@/shared/ui/format";
import { ListState } from "@/shared/ui/ListState";
import { useNow } from "@/shared/ui/now";
import { Table } from "@/shared/ui/Table";
import table from "@/shared/ui/table.module.css";
import { toast } from "@/shared/ui/toast";
import styles from "./admin.module.css";
import { type Lane, type Totals, useQueue, useResume } from "./api";
import { LaneFacts } from "./LaneFacts";
import { canResume, standing } from "./lanes";
import { PauseLane } from "./PauseLane";

export function Queue() {
  const queue = useQueue();
  const [pausing, setPausing] = useState<string | null>(null);
  const lanes = queue.data?.lanes ?? [];
  return (
    <>
      <Figures totals={queue.data?.totals} />
      {lanes.length > 0 && (
        <Table
          caption="Lanes of the queue"
          columns={[
            "Lane",
            "State",
            { figures: "Waiting" },
            { figures: "Parked" },
            { figures: "Delayed" },
            { figures: "Running" },
            { figures: "Oldest" },
            { figures: "Last minute" },
          ]}
        >
          {lanes.map((lane) => (
            <LaneRows key={lane.lane} lane={lane} onPause={() => setPausing(lane.lane)} />
          ))}
        </Table>
      )}
      <ListState
        list={queue}
        count={lanes.length}
        what="The queue"
        bones={3}
        empty={<Empty>No provider is connected, so there is nothing to wait for.</Empty>}
      />
      {pausing !== null && <PauseLane lane={pausing} onClose={() => setPausing(null)} />}
    </>
  );
}

function Figures({ totals }: { totals: Totals | undefined }) {
  const shown = (n: number | undefined) => (n === undefined ? "…" : count(n));
  return (
    <dl className={styles.figures}>
      <Figure name="Waiting">{shown(totals?.waiting)}</Figure>
      <Figure name="Running">
        {shown(totals?.running)}
        <small> of {shown(totals?.places)}</small>
      </Figure>
      <Figure name="Parked">{shown(totals?.parked)}</Figure>
      <Figure name="Delayed">{shown(totals?.delayed)}</Figure>
      <Figure name="Ended last minute">{shown(totals?.ended_last_minute)}</Figure>
      <Figure name="Workers">{shown(totals?.workers)}</Figure>
      <Figure name="Dead letters">
        <Link to="/admin/dead-letters">{shown(totals?.dead_letters)}</Link>
      </Figure>
    </dl>
  );
}

function Figure({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function LaneRows({ lane, onPause }: { lane: Lane; onPause: () => void }) {
  const [open, setOpen] = useState(false);
  const now = useNow(true);
  const resume = useResume();
  const state = standing(lane, now);
  return (
    <>
      <tr data-lane={lane.lane}>
        <td className={table.strong}>{lane.lane}</td>
        <td className={styles.standing} data-kind={state.kind}>
          {state.what}
          {state.why && <span className={table.note}>{state.why}</span>}
        </td>
        <td className={table.number} data-label="Waiting">
          {count(lane.waiting)}
        </td>
        <td className={table.number} data-label="Parked">
          {count(lane.parked)}
        </td>
        <td className={table.number} data-label="Delayed">
          {count(lane.delayed)}
        </td>
        <td className={table.number} data-label="Running">
          {count(lane.running)} of {count(lane.places)}
        </td>
        <td className={table.number} data-label="Oldest">
          {lane.oldest_waiting_seconds > 0 ? about(lane.oldest_waiting_seconds) : "–"}
        </td>
        <td className={table.number} data-label="Last minute">
          {count(lane.ended_last_minute)}
        </td>
        <td className={table.actions}>
          {canResume(state) ? (
            <Button
              look="outline"
              disabled={resume.isPending}
              onClick={() =>
                resume.mutate(lane.lane, { onError: (error) => toast(complaint(error)) })
              }
            >
              <Play aria-hidden />
              Resume
            </Button>
          ) : (
            <Button look="outline" onClick={onPause}>
              <Pause aria-hidden />
              Pause
            </Button>
          )}
          <IconButton
            label={`${open ? "Close" : "Open"} ${lane.lane}`}
            className={styles.chevron}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            <ChevronDown aria-hidden />
          </IconButton>
        </td>
      </tr>
      {open && (
        <tr className={styles.opened}>
          <td colSpan={9}>
            <LaneFacts lane={lane} />
          </td>
        </tr>
      )}
    </>
  );
}
