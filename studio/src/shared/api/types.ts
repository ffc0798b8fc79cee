/** The server's words, by the names the studio uses. Generated from its OpenAPI document. */
import type { components } from "@gen/schema";

type Schemas = components["schemas"];

export type Job = Schemas["Job"];
export type JobIn = Schemas["JobIn"];
export type JobPage = Schemas["JobPage"];
export type JobError = Schemas["JobError"];
export type JobEventLog = Schemas["JobEventLog"];
export type Output = Schemas["Output"];
export type OutputAsset = Schemas["OutputAsset"];
export type Asset = Schemas["Asset"];
export type AssetDetail = Schemas["AssetDetail"];
export type AssetPage = Schemas["AssetPage"];
export type Model = Schemas["Model"];
export type Style = Schemas["Style"];
export type Problem = Schemas["Problem"];
export type StudioEvent = Schemas["StudioEvent"];
export type LoginOptions = Schemas["Options"];
export type Me = Schemas["Me"];
export type Balance = Schemas["Balance"];
export type LedgerLine = Schemas["LedgerLine"];
export type LedgerPage = Schemas["LedgerPage"];
export type Receipt = Schemas["Receipt"];
export type Quote = Schemas["Quote"];
export type Place = Schemas["Queue"];

export type ErrorCode = JobError["code"];
export type JobStatus = Job["status"];
export type JobType = Job["type"];
export type Stage = NonNullable<Job["stage"]>;
export type Priority = Job["priority"];

/** What a list of pictures is narrowed down to; nothing: not at all. */
export type AssetFilter = {
  q?: string | undefined;
  model?: string | undefined;
  starred?: boolean | undefined;
};

/** The same of jobs. */
export type JobFilter = {
  q?: string | undefined;
  status?: JobStatus | undefined;
  type?: JobType | undefined;
  model?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
};

export const isEnded = (status: JobStatus): boolean =>
  status === "completed" || status === "failed" || status === "cancelled";
