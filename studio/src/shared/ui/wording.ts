/** What a person reads when a job or a call did not work: what happened, what to do, and about the money. */
import type { TroubleCode } from "@/shared/api/client";
import type { Stage } from "@/shared/api/types";
import { credits } from "./format";

/** What can be offered next to the words. The caller shows those it can really do. */
export type Way = "retry" | "other_model" | "edit" | "copy";

export type Facts = {
  model: string;
  detail: string;
  attempts: number;
  /** Credits kept for this job although it failed. */
  charged: number;
  finished: number;
  count: number;
  requestId: string | null;
  retryAfterS: number | null;
};

type Wording = {
  title: (facts: Facts) => string;
  body: (facts: Facts) => string;
  ways: readonly Way[];
};

const money = ({ charged }: Facts): string =>
  charged > 0 ? `You were charged ${credits(charged)}.` : "You were not charged.";

const after = ({ attempts }: Facts): string => (attempts > 1 ? ` after ${attempts} attempts` : "");

const said = (facts: Facts): string => `${facts.detail} ${money(facts)}`.trim();

const wait = ({ retryAfterS }: Facts): string =>
  retryAfterS ? `Try again in ${retryAfterS} s.` : "Try again in a moment.";

const words = (title: string, body: Wording["body"], ...ways: Way[]): Wording => ({
  title: () => title,
  body,
  ways,
});

// Total on purpose: a new code on the server stops the build here until it has its words.
const wordings: Record<TroubleCode, Wording> = {
  timeout: words(
    "This took too long",
    (facts) => `${facts.detail || "The model didn't answer within its limit."} ${money(facts)}`,
    "retry",
    "other_model",
  ),
  provider_failure: words(
    "The provider had a problem",
    (facts) => `It failed on their side${after(facts)}. ${money(facts)}`,
    "retry",
    "other_model",
  ),
  provider_busy: words(
    "The provider is busy",
    (facts) => `It had no room for this${after(facts)}. ${money(facts)}`,
    "retry",
    "other_model",
  ),
  provider_auth: words(
    "The provider does not accept our key",
    (facts) => `Whoever runs this server has to look at it. ${money(facts)}`,
    "other_model",
  ),
  invalid_output: words(
    "The provider answered something unusable",
    (facts) => `It was nothing that can be shown. ${money(facts)}`,
    "retry",
    "other_model",
  ),
  content_policy: words(
    "Blocked by the provider's content rules",
    (facts) => `Rephrase it. Sending the same words again will be blocked again. ${money(facts)}`,
    "edit",
  ),
  invalid_request: {
    title: ({ model }) => `${model} can't use this prompt`,
    body: said,
    ways: ["edit"],
  },
  unsupported_option: {
    title: ({ model }) => `${model} can't do that`,
    body: said,
    ways: ["edit", "other_model"],
  },
  unknown_model: words("This model is not here any more", said, "other_model"),
  insufficient_credits: words("Not enough credits", ({ detail }) => detail, "other_model"),
  rate_limited: words("Too many requests", ({ detail }) => detail, "retry"),
  overloaded: words("Busy right now", wait, "retry"),
  cancelled: words(
    "Cancelled",
    ({ finished, count, charged }) => {
      const cost = charged > 0 ? `${credits(charged)} charged.` : "Nothing was charged.";
      return finished > 0 ? `${finished} of ${count} images were finished and kept. ${cost}` : cost;
    },
    "retry",
  ),
  unauthenticated: words("You are not logged in", ({ detail }) => detail),
  forbidden: words("This is not yours to do", ({ detail }) => detail),
  not_found: words("Not found", ({ detail }) => detail),
  already_finished: words("Already finished", ({ detail }) => detail),
  idempotency_mismatch: words(
    "This was sent before with other words",
    ({ detail }) => detail,
    "retry",
  ),
  too_large: words("Too large", ({ detail }) => detail, "edit"),
  unsupported_media: words("This kind of file is not accepted", ({ detail }) => detail, "edit"),
  internal: words(
    "Something went wrong here",
    (facts) =>
      `It's our fault, not yours. ${money(facts)}${facts.requestId ? ` Request ${facts.requestId}.` : ""}`,
    "retry",
    "copy",
  ),
  unreachable: words("Safelight can't be reached", ({ detail }) => detail, "retry"),
};

const isKnown = (code: string): code is TroubleCode => Object.hasOwn(wordings, code);

const nothing: Facts = {
  model: "The model",
  detail: "",
  attempts: 1,
  charged: 0,
  finished: 0,
  count: 1,
  requestId: null,
  retryAfterS: null,
};

export function wording(code: TroubleCode, facts: Partial<Facts>) {
  const all = { ...nothing, ...facts };
  // A server that is newer than this page may have a code more.
  const { title, body, ways } = wordings[isKnown(code) ? code : "internal"];
  return { title: title(all), body: body(all), ways };
}

/** What an error is called, also one that this page does not know yet. */
export const titleOf = (code: string): string =>
  isKnown(code) ? wording(code, {}).title : code.replaceAll("_", " ");

/** What the stages are called while one waits for them. */
export const stageNames: Record<Stage, string> = {
  understanding: "Understanding",
  refining_prompt: "Refining the prompt",
  generating: "Generating",
  uploading: "Uploading",
  finalizing: "Finishing",
};
