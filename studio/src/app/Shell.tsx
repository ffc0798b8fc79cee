/** The frame of the pages: the rail (a bar at the bottom of a phone), the page's name, the queue. */
import { Link, Outlet, useMatches, useRouterState } from "@tanstack/react-router";
import {
  Coins,
  History,
  Images,
  Keyboard,
  Menu as More,
  SlidersHorizontal,
  Sparkle,
} from "lucide-react";
import { type ReactNode, useState } from "react";
import { CreditsPill } from "@/features/credits/CreditsPill";
import { QueuePill } from "@/features/queue/QueuePill";
import { useMe } from "@/shared/api/me";
import { Button, buttonClass } from "@/shared/ui/Button";
import { floats } from "@/shared/ui/floats";
import { Panel } from "@/shared/ui/Panel";
import { Mark } from "./Mark";
import styles from "./shell.module.css";
import { ThemeChoice, ThemeMenu } from "./ThemeMenu";

const openHelp = () => window.dispatchEvent(new Event("safelight:help"));

export function Shell() {
  const title = useMatches().at(-1)?.staticData.title;
  const isAdmin = useMe()?.role === "admin";
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
          <Page to="/" icon={<Sparkle aria-hidden />} name="Create" />
          <Page to="/gallery" icon={<Images aria-hidden />} name="Gallery" />
          <Page to="/history" icon={<History aria-hidden />} name="History" />
          <div className={styles.desk}>
            <Page to="/credits" icon={<Coins aria-hidden />} name="Credits" />
          </div>
          {isAdmin && (
            <div className={styles.desk}>
              <Page to="/admin" icon={<SlidersHorizontal aria-hidden />} name="Admin" />
            </div>
          )}
          <div className={styles.more}>
            <MorePages isAdmin={isAdmin} />
          </div>
        </div>
        <div className={styles.foot}>
          <ThemeMenu />
          <button type="button" className={styles.page} onClick={openHelp} aria-keyshortcuts="?">
            <Keyboard aria-hidden />
            Keys
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

function Page({
  to,
  icon,
  name,
}: {
  to: "/" | "/gallery" | "/history" | "/credits" | "/admin";
  icon: ReactNode;
  name: string;
}) {
  return (
    <Link
      to={to}
      className={styles.page}
      activeOptions={{ exact: to === "/", includeSearch: false }}
    >
      {icon}
      {name}
    </Link>
  );
}

/** What a phone's bar has no room for. */
function MorePages({ isAdmin }: { isAdmin: boolean }) {
  const [open, setOpen] = useState(false);
  const here = useRouterState({
    select: (state) => /^\/(credits|admin)/.test(state.location.pathname),
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
        <Link to="/credits" className={entry} onClick={() => setOpen(false)}>
          <Coins aria-hidden />
          Credits
        </Link>
        {isAdmin && (
          <Link to="/admin" className={entry} onClick={() => setOpen(false)}>
            <SlidersHorizontal aria-hidden />
            Admin
          </Link>
        )}
      </nav>
      <ThemeChoice />
      <Button size="large" onClick={openHelp} className={styles.wide}>
        <Keyboard aria-hidden />
        Keyboard shortcuts
      </Button>
    </Panel>
  );
}
