/** What a screen reader says about a job: stages and ends, never percentages. */
import type { Job } from "@/shared/api/types";
import { stageNames, wording } from "@/shared/ui/wording";

export function sentence(before: Job | undefined, after: Job): string | null {
  if (before?.status === after.status && before.stage === after.stage) return null;
  switch (after.status) {
    case "pending":
      return null;
    case "processing":
      return after.stage ? stageNames[after.stage] : null;
    case "completed": {
      // Jobs that had ended before this page knew them are not news.
      if (!before) return null;
      if (after.type === "text") return "The text is ready";
      const ready = after.outputs.filter((output) => output.asset).length;
      return ready === 1 ? "1 picture ready" : `${ready} pictures ready`;
    }
    case "failed":
    case "cancelled":
      return before && after.error ? wording(after.error.code, { count: after.count }).title : null;
  }
}
