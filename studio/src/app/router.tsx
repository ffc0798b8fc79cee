/** Addresses, and what each page may find in them. */
import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import type { LetterFilter } from "@/features/admin/api";
import { Create } from "@/features/create/Create";
import type { AssetFilter, JobFilter, JobStatus, JobType } from "@/shared/api/types";
import { part } from "@/shared/ui/part";
import { Broken, Missing } from "./Lost";
import { Root } from "./Root";
import { Shell } from "./Shell";

declare module "@tanstack/react-router" {
  interface StaticDataRouteOption {
    title?: string;
  }
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}

type Search = Record<string, unknown>;

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== ""
    ? value
    : typeof value === "number"
      ? String(value)
      : undefined;

const one = <V extends string>(value: unknown, of: readonly V[]): V | undefined =>
  of.find((known) => known === value);

const id = (value: unknown): string | undefined =>
  typeof value === "string" && /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/.test(value)
    ? value
    : undefined;

const date = (value: unknown): string | undefined =>
  typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value) ? value : undefined;

const statuses = [
  "pending",
  "processing",
  "completed",
  "failed",
  "cancelled",
] as const satisfies readonly JobStatus[];
const types = ["image", "text"] as const satisfies readonly JobType[];

const root = createRootRoute({ component: Root, notFoundComponent: Missing });
const shell = createRoute({ getParentRoute: () => root, id: "shell", component: Shell });

const create = createRoute({
  getParentRoute: () => shell,
  path: "/",
  // A prompt or a picture to start from can be handed over in the address: from a picture's facts, or in a link.
  validateSearch: (
    search: Search,
  ): { prompt?: string | undefined; reference?: string | undefined } => ({
    prompt: text(search.prompt),
    reference: id(search.reference),
  }),
  component: Create,
  staticData: { title: "Create" },
});

const pictures = (search: Search): AssetFilter => ({
  q: text(search.q),
  model: text(search.model),
  starred: search.starred === true ? true : undefined,
});

const gallery = createRoute({
  getParentRoute: () => shell,
  path: "/gallery",
  validateSearch: pictures,
  component: lazyRouteComponent(
    part(() => import("@/features/gallery/Gallery")),
    "Gallery",
  ),
  staticData: { title: "Gallery" },
});

const history = createRoute({
  getParentRoute: () => shell,
  path: "/history",
  validateSearch: (search: Search): JobFilter & { job?: string | undefined } => ({
    job: id(search.job),
    q: text(search.q),
    status: one(search.status, statuses),
    type: one(search.type, types),
    model: text(search.model),
    from: date(search.from),
    to: date(search.to),
  }),
  component: lazyRouteComponent(
    part(() => import("@/features/history/History")),
    "History",
  ),
  staticData: { title: "History" },
});

const credits = createRoute({
  getParentRoute: () => shell,
  path: "/credits",
  component: lazyRouteComponent(
    part(() => import("@/features/credits/Credits")),
    "Credits",
  ),
  staticData: { title: "Credits" },
});

const apiKeys = createRoute({
  getParentRoute: () => shell,
  path: "/keys",
  component: lazyRouteComponent(
    part(() => import("@/features/keys/Keys")),
    "Keys",
  ),
  staticData: { title: "API keys" },
});

const account = createRoute({
  getParentRoute: () => shell,
  path: "/account",
  component: lazyRouteComponent(
    part(() => import("@/features/account/Account")),
    "Account",
  ),
  staticData: { title: "Account" },
});

const admin = createRoute({
  getParentRoute: () => shell,
  path: "/admin",
  component: lazyRouteComponent(
    part(() => import("@/features/admin/Admin")),
    "Admin",
  ),
});

const adminStart = createRoute({
  getParentRoute: () => admin,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/admin/queue", replace: true });
  },
});

const adminQueue = createRoute({
  getParentRoute: () => admin,
  path: "/queue",
  component: lazyRouteComponent(
    part(() => import("@/features/admin/Queue")),
    "Queue",
  ),
  staticData: { title: "Queue" },
});

const letterStates = ["replayed", "discarded", "all"] as const;

const deadLetters = createRoute({
  getParentRoute: () => admin,
  path: "/dead-letters",
  validateSearch: (search: Search): LetterFilter => ({
    state: one(search.state, letterStates),
    code: text(search.code),
    provider: text(search.provider),
    model: text(search.model),
  }),
  component: lazyRouteComponent(
    part(() => import("@/features/admin/DeadLetters")),
    "DeadLetters",
  ),
  staticData: { title: "Dead letters" },
});

const accounts = createRoute({
  getParentRoute: () => admin,
  path: "/accounts",
  component: lazyRouteComponent(
    part(() => import("@/features/admin/Accounts")),
    "Accounts",
  ),
  staticData: { title: "Accounts" },
});

type DoorSearch = { back?: string | undefined; code?: string | undefined };

type ElsewhereSearch = { problem?: string | undefined; with?: string | undefined };

/** Invites and resets are links with a code in them. */
const doorSearch = (search: Search): DoorSearch => ({
  back: text(search.back),
  code: text(search.code),
});

const login = createRoute({
  getParentRoute: () => root,
  path: "/login",
  // Another site could not say who somebody is: which one, and the code of why.
  validateSearch: (search: Search): DoorSearch & ElsewhereSearch => ({
    ...doorSearch(search),
    problem: text(search.problem),
    with: text(search.with),
  }),
  component: lazyRouteComponent(
    part(() => import("@/features/door/Login")),
    "Login",
  ),
  staticData: { title: "Log in" },
});

const register = createRoute({
  getParentRoute: () => root,
  path: "/register",
  validateSearch: doorSearch,
  component: lazyRouteComponent(
    part(() => import("@/features/door/Register")),
    "Register",
  ),
  staticData: { title: "Create your account" },
});

const reset = createRoute({
  getParentRoute: () => root,
  path: "/reset",
  validateSearch: doorSearch,
  component: lazyRouteComponent(
    part(() => import("@/features/door/Reset")),
    "Reset",
  ),
  staticData: { title: "New password" },
});

/** The gallery's filter travels along, so that the arrow keys walk through what was on the wall. */
const picture = createRoute({
  getParentRoute: () => root,
  path: "/i/$id",
  validateSearch: pictures,
  component: lazyRouteComponent(
    part(() => import("@/features/gallery/Lightbox")),
    "Lightbox",
  ),
  staticData: { title: "Picture" },
});

export function makeRouter() {
  return createRouter({
    routeTree: root.addChildren([
      shell.addChildren([
        create,
        gallery,
        history,
        credits,
        apiKeys,
        account,
        admin.addChildren([adminStart, adminQueue, deadLetters, accounts]),
      ]),
      picture,
      login,
      register,
      reset,
    ]),
    // The page's code is on its way as soon as the pointer rests on a link to it.
    defaultPreload: "intent",
    defaultErrorComponent: Broken,
    defaultPendingMs: 150,
    scrollRestoration: false,
  });
}
