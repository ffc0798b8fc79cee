/** Floating things: a panel at its button (a sheet on a phone) and a dialog. The only file that knows Base UI's. */
import { Dialog } from "@base-ui/react/dialog";
import { Popover } from "@base-ui/react/popover";
import { X } from "lucide-react";
import type { CSSProperties, ReactElement, ReactNode } from "react";
import { IconButton } from "./Button";
import { useNarrow } from "./media";
import styles from "./panel.module.css";

type PanelProps = {
  title: string;
  trigger: ReactElement;
  children: ReactNode;
  width?: number;
  align?: "start" | "end";
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
};

const floats = () => document.getElementById("floats");

export function Panel({
  title,
  trigger,
  children,
  width = 320,
  align = "start",
  ...state
}: PanelProps) {
  const narrow = useNarrow();
  if (narrow) {
    return (
      <Dialog.Root {...state}>
        <Dialog.Trigger render={trigger} />
        <Dialog.Portal>
          <Dialog.Backdrop className={styles.backdrop ?? ""} />
          <Dialog.Popup className={styles.sheet ?? ""}>
            <div className={styles.head}>
              <Dialog.Title className={styles.title ?? ""}>{title}</Dialog.Title>
              <Dialog.Close render={<IconButton label="Close" />}>
                <X aria-hidden />
              </Dialog.Close>
            </div>
            {children}
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
    );
  }
  return (
    <Popover.Root {...state}>
      <Popover.Trigger render={trigger} />
      <Popover.Portal container={floats()}>
        <Popover.Positioner className={styles.positioner ?? ""} sideOffset={8} align={align}>
          <Popover.Popup
            className={styles.popup ?? ""}
            style={{ "--panel-width": `${width}px` } as CSSProperties}
          >
            <Popover.Title className="hidden-visually">{title}</Popover.Title>
            {children}
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}

type ModalProps = {
  title: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  children: ReactNode;
};

export function Modal({ title, open, onOpenChange, children }: ModalProps) {
  return (
    <Dialog.Root open={open} onOpenChange={onOpenChange}>
      <Dialog.Portal>
        <Dialog.Backdrop className={styles.backdrop ?? ""} />
        <Dialog.Popup className={styles.dialog ?? ""}>
          <div className={styles.head}>
            <Dialog.Title className={styles.title ?? ""}>{title}</Dialog.Title>
            <Dialog.Close render={<IconButton label="Close" />}>
              <X aria-hidden />
            </Dialog.Close>
          </div>
          {children}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
