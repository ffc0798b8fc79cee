/** A panel at its button; on a phone, a sheet from the bottom. The only file that knows Base UI's Popover. */
import { Popover } from "@base-ui/react/popover";
import { X } from "lucide-react";
import type { CSSProperties, ReactElement, ReactNode } from "react";
import { IconButton } from "./Button";
import { floats } from "./floats";
import { useNarrow } from "./media";
import styles from "./panel.module.css";

type Props = {
  title: string;
  trigger: ReactElement;
  children: ReactNode;
  width?: number;
  align?: "start" | "end";
  /** For a list whose rows bring their own padding. */
  tight?: boolean;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
};

export function Panel({
  title,
  trigger,
  children,
  width = 320,
  align = "start",
  tight = false,
  ...state
}: Props) {
  const narrow = useNarrow();
  return (
    <Popover.Root modal={narrow} {...state}>
      <Popover.Trigger render={trigger} />
      <Popover.Portal container={floats}>
        {narrow && <Popover.Backdrop className={styles.backdrop} />}
        <Popover.Positioner
          className={`${styles.positioner} ${narrow ? styles.bottom : ""}`}
          // Before it is placed it would stand at the top of the document, and taking the focus scroll there.
          positionMethod="fixed"
          sideOffset={8}
          align={align}
        >
          <Popover.Popup
            className={`${narrow ? styles.sheet : styles.popup} ${tight ? styles.tight : ""}`}
            style={{ "--panel-width": `${width}px` } as CSSProperties}
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
  );
}
