/** What a panel's button opens. The only file that knows Base UI. */
import { CSPProvider } from "@base-ui/react/csp-provider";
import { Popover } from "@base-ui/react/popover";
import { X } from "lucide-react";
import {
  type CSSProperties,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useRef,
  useState,
} from "react";
import { IconButton } from "./Button";
import { floats } from "./floats";
import { useNarrow } from "./media";
import styles from "./panel.module.css";
import { atEdge } from "./tabStops";

type Props = {
  id: string;
  button: RefObject<HTMLButtonElement | null>;
  open: boolean;
  touched: boolean;
  onClose: () => void;
  title: string;
  children: ReactNode;
  width?: number;
  align?: "start" | "end";
  tight?: boolean;
};

export function Popup({
  id,
  button,
  open,
  touched,
  onClose,
  title,
  children,
  width = 320,
  align = "start",
  tight = false,
}: Props) {
  const narrow = useNarrow();
  const box = useRef<HTMLDivElement>(null);
  // Its first opening is one, too: what is open from the start does not unfold.
  const [ready, setReady] = useState(false);
  useEffect(() => setReady(true), []);
  return (
    <CSPProvider disableStyleElements>
      <Popover.Root
        modal={narrow}
        open={open && ready}
        onOpenChange={(next, { event }) => {
          // A press on the button is its own affair.
          if (!next && !button.current?.contains(event.target as Node | null)) onClose();
        }}
      >
        <Popover.Portal container={floats}>
          {narrow && <Popover.Backdrop className={styles.backdrop} />}
          <Popover.Positioner
            className={`${styles.positioner} ${narrow ? styles.bottom : ""}`}
            anchor={button}
            // Before it is placed it would stand at the top of the document, and taking the focus scroll there.
            positionMethod="fixed"
            sideOffset={8}
            align={align}
          >
            <Popover.Popup
              ref={box}
              id={id}
              className={`${narrow ? styles.sheet : styles.popup} ${tight ? styles.tight : ""}`}
              style={{ "--panel-width": `${width}px` } as CSSProperties}
              initialFocus={() => (touched ? box.current : true)}
              finalFocus={() => (hasLeft(box.current) ? false : button.current)}
              // A sheet keeps the focus.
              onKeyDown={(event) => !narrow && leaveByTab(event, button.current) && onClose()}
            >
              {narrow ? (
                <div className={styles.head}>
                  <Popover.Title className={styles.title}>{title}</Popover.Title>
                  <Popover.Close render={<IconButton label="Close" />}>
                    <X aria-hidden />
                  </Popover.Close>
                </div>
              ) : (
                <Popover.Title className="hidden-visually">{title}</Popover.Title>
              )}
              {children}
            </Popover.Popup>
          </Popover.Positioner>
        </Popover.Portal>
      </Popover.Root>
    </CSPProvider>
  );
}

/** Whoever has gone on to something else meanwhile stays there. */
function hasLeft(box: HTMLElement | null): boolean {
  const active = document.activeElement;
  return active !== document.body && !box?.contains(active);
}

/** It is written at the end of the page and belongs to its button: Tab goes on from there. */
function leaveByTab(event: KeyboardEvent<HTMLElement>, button: HTMLElement | null): boolean {
  const box = event.currentTarget;
  const inside = box.contains(event.target as Node);
  if (event.key !== "Tab" || !inside || !atEdge(box, event.target, event.shiftKey)) return false;
  button?.focus();
  // Forwards the browser takes the next step itself; backwards the button is that step.
  if (event.shiftKey) event.preventDefault();
  return true;
}
