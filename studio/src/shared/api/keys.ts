/** The names of everything in the query cache. */
import type { AssetFilter, JobFilter } from "./types";

export const keys = {
  job: (id: string) => ["job", id] as const,
  everyJob: ["job"] as const,
  jobEvents: (id: string) => ["job-events", id] as const,
  feed: ["jobs", "feed"] as const,
  live: ["jobs", "live"] as const,
  history: (filter: JobFilter) => ["jobs", "history", filter] as const,
  histories: ["jobs", "history"] as const,
  assets: (filter: AssetFilter) => ["assets", filter] as const,
  allAssets: ["assets"] as const,
  asset: (id: string) => ["asset", id] as const,
  models: ["models"] as const,
  styles: ["styles"] as const,
  me: ["me"] as const,
  balance: ["credits", "balance"] as const,
  ledger: ["credits", "ledger"] as const,
  spent: ["credits", "spent"] as const,
  receipt: (id: string, ended: boolean) => ["credits", "receipt", id, ended] as const,
  /** All that changes when an account does. */
  credits: ["credits"] as const,
};
