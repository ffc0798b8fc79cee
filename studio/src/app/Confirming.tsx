/** Waits for deeds before which the server wants to be sure who is there: then the question is put. */
import { lazy, Suspense, useEffect, useState } from "react";
import { askedBy } from "@/shared/api/confirm";
import { part } from "@/shared/ui/part";

const Question = lazy(
  part(() => import("./Question").then((module) => ({ default: module.Question }))),
);

export function Confirming() {
  const [settle, setSettle] = useState<((yes: boolean) => void) | null>(null);
  useEffect(
    () =>
      askedBy(
        () =>
          new Promise((resolve) => {
            setSettle(() => (yes: boolean) => {
              setSettle(null);
              resolve(yes);
            });
          }),
      ),
    [],
  );
  return (
    settle && (
      <Suspense>
        <Question onEnd={settle} />
      </Suspense>
    )
  );
}
