import type { JobStatus } from "@/shared/api/types";

/** 2 running · 2 running, 3 waiting */
export function summary(statuses: readonly JobStatus[]): string {
  const running = statuses.filter((status) => status === "processing").length;
  const waiting = statuses.filter((status) => status === "pending").length;
  const parts = [running > 0 && `${running} running`, waiting > 0 && `${waiting} waiting`];
  return parts.filter((part) => part).join(", ");
}
