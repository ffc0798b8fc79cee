/** One typed client for the whole API, and one shape for everything that can go wrong with a call. */
import type { paths } from "@gen/schema";
import createClient from "openapi-fetch";
import { noteServerTime } from "./clock";
import type { ErrorCode, Problem } from "./types";

declare global {
  interface Window {
    /** Questions the page has asked before this code was here (index.html), by address. */
    early?: Record<string, Promise<Response>>;
  }
}

/** Takes the answer that is on its way already, once. */
function ask(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  const early = request.method === "GET" ? window.early?.[pathname + search] : undefined;
  if (!early) return fetch(request);
  delete window.early;
  return early;
}

export const api = createClient<paths>({ baseUrl: "/", fetch: ask });

api.use({
  onResponse({ response }) {
    noteServerTime(response.headers.get("date"));
  },
});

/** `unreachable` is the studio's own: the server never answered, so it could not say why. */
export type TroubleCode = ErrorCode | "unreachable";

export class Trouble extends Error {
  constructor(
    readonly code: TroubleCode,
    readonly title: string,
    readonly detail: string,
    readonly fields: readonly { field: string; message: string }[] = [],
    readonly requestId: string | null = null,
    readonly retryAfterS: number | null = null,
    /** A finer word than the code, where there is one. */
    readonly kind: string = code,
  ) {
    super(detail);
    this.name = "Trouble";
  }
}

/** For a message about something that happened elsewhere: what it was, and what was said about it. */
export const complaint = (error: Error): string =>
  error instanceof Trouble ? `${error.title}. ${error.detail}` : error.message;

/** What the server says is wrong with one field of what was sent. */
export const problemOf = (error: Error | null, field: string): string | undefined =>
  error instanceof Trouble ? error.fields.find((one) => one.field === field)?.message : undefined;

export const unreachable = (): Trouble =>
  new Trouble(
    "unreachable",
    "Safelight can't be reached",
    "The server didn't answer. Jobs that were accepted go on without you.",
  );

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a good answer; a `Trouble` for everything else, whoever sent it. */
export async function answered<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable();
  }
  if (answer.response.ok) return answer.data as T;
  throw told(troubleOf(answer.error, answer.response));
}

/** Sent to the window when the server does not know who is asking. */
export const UNKNOWN_HERE = "safelight:unknown-here";

/** Whoever asked hears of it too; but where the page has to go is the same, whatever was asked for. */
export function told(trouble: Trouble): Trouble {
  if (trouble.code === "unauthenticated") window.dispatchEvent(new Event(UNKNOWN_HERE));
  return trouble;
}

type Head = { status: number; headers: { get(name: string): string | null } };

export function troubleOf(body: unknown, response: Head): Trouble {
  if (isProblem(body)) {
    return new Trouble(
      body.code,
      body.title,
      body.detail,
      body.errors,
      body.request_id ?? null,
      body.retry_after ?? null,
      body.type.split("#")[1] ?? body.code,
    );
  }
  // A proxy in between answers in its own words; those are for its operator, not for the reader.
  return new Trouble(
    response.status === 503 || response.status === 502 ? "overloaded" : "internal",
    "Something went wrong here",
    `The server answered ${response.status}.`,
    [],
    response.headers.get("x-request-id"),
    Number(response.headers.get("retry-after")) || null,
  );
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "code" in body && "title" in body;
}
