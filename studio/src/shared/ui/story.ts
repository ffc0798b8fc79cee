/** Stored events in a person's words. Lines nobody needs afterwards (every step) are left out. */
import type { JobEventLog, Stage } from "@/shared/api/types";
import { stageNames, titleOf } from "./wording";

export type Line = { what: string; more: string | null; kind: "step" | "good" | "bad" };

const plain: Record<string, [string, Line["kind"]]> = {
  snapshot: ["Accepted", "step"],
  queued: ["Accepted", "step"],
  completed: ["Done", "good"],
  cancelled: ["Cancelled", "bad"],
};

const hidden = new Set(["progress", "queue", "delta", "credits", "reconnect"]);

export function tell({ type, data }: JobEventLog): Line | null {
  if (hidden.has(type)) return null;
  if (type === "stage") {
    const stage = data.stage;
    const what =
      typeof stage === "string" && stage in stageNames ? stageNames[stage as Stage] : String(stage);
    return { what, more: extras(data), kind: "step" };
  }
  if (type === "output") {
    const number = typeof data.index === "number" ? data.index + 1 : "";
    return data.error
      ? { what: `Picture ${number} failed`, more: why(data.error), kind: "bad" }
      : { what: data.text ? "Text ready" : `Picture ${number} ready`, more: null, kind: "good" };
  }
  if (type === "failed") {
    const job = data.job;
    const error = job && typeof job === "object" && "error" in job ? job.error : data.error;
    return { what: "Failed", more: why(error), kind: "bad" };
  }
  const known = plain[type];
  return known
    ? { what: known[0], more: extras(data), kind: known[1] }
    : { what: type.replaceAll("_", " "), more: extras(data), kind: "step" };
}

function why(error: unknown): string | null {
  if (typeof error !== "object" || error === null || !("code" in error)) return null;
  return titleOf(String(error.code));
}

/** Small facts a line may carry: the attempt, the provider's own id, why it waits. */
function extras(data: Record<string, unknown>): string | null {
  const skip = new Set(["type", "job_id", "status", "stage", "at", "index", "available", "held"]);
  const parts = Object.entries(data)
    .filter(
      ([name, value]) =>
        !skip.has(name) && (typeof value === "string" || typeof value === "number"),
    )
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${value}`);
  return parts.length > 0 ? parts.join(", ").slice(0, 200) : null;
}
