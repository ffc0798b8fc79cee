/** The frame of the pages: the rail (a bar at the bottom of a phone), the page's name, the queue. */
import { Link, Outlet, useMatches, useRouterState } from "@tanstack/react-router";
import {
  Coins,
  History,
  Images,
  Keyboard,
  KeyRound,
  LogIn,
  type LucideIcon,
  Menu as More,
  SlidersHorizontal,
  Sparkle,
  UserRound,
} from "lucide-react";
import { useState } from "react";
import { CreditsPill } from "@/features/credits/CreditsPill";
import { QueuePill } from "@/features/queue/QueuePill";
import { isVisitor, useMe } from "@/shared/api/me";
import { Button, buttonClass } from "@/shared/ui/Button";
import { floats } from "@/shared/ui/floats";
import { Mark } from "@/shared/ui/Mark";
import { Panel } from "@/shared/ui/Panel";
import styles from "./shell.module.css";
import { ThemeChoice, ThemeMenu } from "./ThemeMenu";

type Entry = {
  to: "/" | "/gallery" | "/history" | "/credits" | "/keys" | "/admin" | "/account" | "/login";
  name: string;
  Icon: LucideIcon;
};

const daily: readonly Entry[] = [
  { to: "/", name: "Create", Icon: Sparkle },
  { to: "/gallery", name: "Gallery", Icon: Images },
  { to: "/history", name: "History", Icon: History },
];

/** What a phone's bar has no room for. */
function useOthers(): readonly Entry[] {
  const me = useMe();
  return [
    { to: "/credits", name: "Credits", Icon: Coins },
    ...(isVisitor(me) ? [] : [{ to: "/keys", name: "API keys", Icon: KeyRound } as const]),
    ...(me?.role === "admin"
      ? [{ to: "/admin", name: "Admin", Icon: SlidersHorizontal } as const]
      : []),
  ];
}

/** Who one is here, or the way to be somebody. */
function useSelf(): Entry {
  return isVisitor(useMe())
    ? { to: "/login", name: "Log in", Icon: LogIn }
    : { to: "/account", name: "Account", Icon: UserRound };
}

const openHelp = () => window.dispatchEvent(new Event("safelight:help"));

export function Shell() {
  const title = useMatches().at(-1)?.staticData.title;
  const others = useOthers();
  const self = useSelf();
  return (
    <div className={styles.shell}>
      <a className={styles.skip} href="#main">
        Skip to the page
      </a>
      <nav className={styles.rail} aria-label="Pages">
        <Link to="/" className={styles.mark} aria-label="Safelight, create" tabIndex={-1}>
          <Mark />
        </Link>
        <div className={styles.pages}>
          {daily.map((entry) => (
            <Page key={entry.to} {...entry} />
          ))}
          {others.map((entry) => (
            <div key={entry.to} className={styles.desk}>
              <Page {...entry} />
            </div>
          ))}
          <div className={styles.more}>
            <MorePages others={[...others, self]} />
          </div>
        </div>
        <div className={styles.foot}>
          <Page {...self} />
          <ThemeMenu />
          <button type="button" className={styles.page} onClick={openHelp} aria-keyshortcuts="?">
            <Keyboard aria-hidden />
            Keyboard
          </button>
        </div>
      </nav>
      <div className={styles.column}>
        <header className={styles.top}>
          <h1 className={styles.title}>{title}</h1>
          <div className={styles.pills}>
            <QueuePill />
            <CreditsPill />
          </div>
        </header>
        <main id="main" tabIndex={-1} className={styles.main}>
          <Outlet />
          <div ref={floats} />
        </main>
      </div>
    </div>
  );
}

function Page({ to, name, Icon }: Entry) {
  return (
    <Link
      to={to}
      className={styles.page}
      activeOptions={{ exact: to === "/", includeSearch: false }}
    >
      <Icon aria-hidden />
      {name}
    </Link>
  );
}

function MorePages({ others }: { others: readonly Entry[] }) {
  const [open, setOpen] = useState(false);
  const here = useRouterState({
    select: (state) => /^\/(credits|keys|admin|account)/.test(state.location.pathname),
  });
  const entry = `${buttonClass("plain", "large")} ${styles.wide}`;
  return (
    <Panel
      title="More"
      open={open}
      onOpenChange={setOpen}
      trigger={
        <button type="button" className={styles.page} data-here={here}>
          <More aria-hidden />
          More
        </button>
      }
    >
      <nav aria-label="More pages" className={styles.others}>
        {others.map(({ to, name, Icon }) => (
          <Link key={to} to={to} className={entry} onClick={() => setOpen(false)}>
            <Icon aria-hidden />
            {name}
          </Link>
        ))}
      </nav>
      <ThemeChoice />
      <Button size="large" onClick={openHelp} className={styles.wide}>
        <Keyboard aria-hidden />
        Keyboard shortcuts
      </Button>
    </Panel>
  );
}
