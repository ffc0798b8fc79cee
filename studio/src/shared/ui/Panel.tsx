/** A button and its panel: at the button, on a phone a sheet from the bottom. */
import {
  type ButtonHTMLAttributes,
  cloneElement,
  lazy,
  type PointerEvent,
  type ReactElement,
  type ReactNode,
  type Ref,
  Suspense,
  useId,
  useRef,
  useState,
} from "react";
import { part, whenIdle } from "./part";

// A fifth of the first view's code, and nothing of it is seen before a button is pressed: it comes once the page stands.
const load = part(() => import("./Popup").then((module) => ({ default: module.Popup })));
const Popup = lazy(load);
whenIdle(() => void load().catch(() => undefined));

type Trigger = ButtonHTMLAttributes<HTMLButtonElement> & { ref?: Ref<HTMLButtonElement> };

type Props = {
  title: string;
  trigger: ReactElement<Trigger>;
  children: ReactNode;
  width?: number;
  align?: "start" | "end";
  /** For a list whose rows bring their own padding. */
  tight?: boolean;
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
};

export function Panel({ trigger, open: given, onOpenChange, ...popup }: Props) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const [own, setOwn] = useState(false);
  const [wanted, setWanted] = useState(false);
  // A finger that opens it has not asked for a keyboard.
  const [touched, setTouched] = useState(false);
  const open = given ?? own;
  const change = (next: boolean) => {
    setWanted(true);
    setOwn(next);
    onOpenChange?.(next);
  };
  return (
    <>
      {cloneElement(trigger, {
        ref: button,
        "aria-haspopup": "dialog",
        "aria-expanded": open,
        "aria-controls": open ? id : undefined,
        onPointerDown: (event: PointerEvent) => setTouched(event.pointerType === "touch"),
        onClick: () => change(!open),
      })}
      {wanted && (
        <Suspense>
          <Popup
            id={id}
            button={button}
            open={open}
            touched={touched}
            onClose={() => change(false)}
            {...popup}
          />
        </Suspense>
      )}
    </>
  );
}
