/** For addresses nobody lives at, for people who may not be here, and for when the studio itself breaks. */
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { logOut } from "@/shared/api/session";
import { Button, buttonClass } from "@/shared/ui/Button";
import { Empty } from "@/shared/ui/Empty";

export function Missing() {
  return (
    <main id="main" tabIndex={-1}>
      <h1 className="hidden-visually">Not found</h1>
      <Empty
        action={
          <Link to="/" className={buttonClass("outline", "large")}>
            Create
          </Link>
        }
      >
        There is nothing at this address.
      </Empty>
    </main>
  );
}

/** Logged in, and let in nowhere: the account is disabled or deleted. */
export function KeptOut({ why }: { why: string }) {
  return (
    <main id="main" tabIndex={-1}>
      <h1 className="hidden-visually">Not let in</h1>
      <Empty
        action={
          <Button look="outline" size="large" onClick={() => void logOut()}>
            Log out
          </Button>
        }
      >
        {why}
      </Empty>
    </main>
  );
}

export function Broken({ error }: ErrorComponentProps) {
  return (
    <main id="main" tabIndex={-1}>
      <h1 className="hidden-visually">Something went wrong here</h1>
      <Empty
        action={
          <Button look="outline" size="large" onClick={() => window.location.reload()}>
            Reload
          </Button>
        }
      >
        Something went wrong here. It's our fault, not yours:{" "}
        {error instanceof Error ? error.message : "an unknown error"}. Your jobs and pictures are
        safe on the server.
      </Empty>
    </main>
  );
}
