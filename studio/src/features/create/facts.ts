import type { Job } from "@/shared/api/types";
import type { Facts } from "@/shared/ui/wording";

/** What the wording of a failure wants to know about its job. */
export const factsOf = (job: Job, model: string): Partial<Facts> => ({
  model,
  detail: job.error?.detail ?? "",
  attempts: job.attempts,
  charged: job.charged?.credits ?? 0,
  finished: job.outputs.filter((output) => output.status === "completed").length,
  count: job.count,
  requestId: job.id,
});
