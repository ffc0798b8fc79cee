"""The tests of the tests: bugs that matter, planted one at a time in a copy of the code. The tests
named with each must notice.

    python -m tests.faults.bugs [NAME…]      all of them, or those named
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = Path("src/safelight")


@dataclass(frozen=True)
class Bug:
    """`old` stands exactly once in the file and is replaced by `new`. tests: who must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


BUGS = (
    Bug(
        "deliveries are not fenced by the attempt",
        "jobs/attempts.py",
        "WHERE jobs.id = handed.id AND jobs.attempt = handed.attempt AND jobs.status",
        "WHERE jobs.id = handed.id AND jobs.status",
        ("tests/jobs/test_fencing.py",),
    ),
    Bug(
        "notes are not fenced by the attempt",
        "jobs/attempts.py",
        "WHERE jobs.id = noted.id AND jobs.attempt = noted.attempt AND jobs.status",
        "WHERE jobs.id = noted.id AND jobs.status",
        ("tests/jobs/test_fencing.py",),
    ),
    Bug(
        "the account is read without a lock before it is charged",
        "jobs/intake.py",
        "AND closed_at IS NULL\n    ORDER BY id FOR NO KEY UPDATE",
        "AND closed_at IS NULL\n    ORDER BY id",
        ("tests/faults/test_overspending.py",),
    ),
    Bug(
        "nothing makes an idempotency key unique",
        "database/migrations/0002_jobs.sql",
        "    created_at  timestamptz NOT NULL DEFAULT now(),\n    PRIMARY KEY (owner_id, key)\n",
        "    created_at  timestamptz NOT NULL DEFAULT now()\n",
        ("tests/faults/test_same_key.py",),
    ),
    Bug(
        "who repeats the order of his last credits is told that he is short",
        "http/ordering.py",
        "if key and (known := ",
        "if not key and (known := ",
        ("tests/faults/test_same_key.py",),
    ),
    Bug(
        "nothing makes an output unique",
        "database/migrations/0002_jobs.sql",
        "    error     jsonb,\n    PRIMARY KEY (job_id, index)\n",
        "    error     jsonb\n",
        ("tests/jobs/test_fencing.py",),
    ),
    Bug(
        "what has ended can be cancelled, and is released twice",
        "jobs/endings.py",
        "    FROM jobs WHERE id = ANY($4) AND status IN ('pending', 'processing')\n",
        "    FROM jobs WHERE id = ANY($4)\n",
        ("tests/jobs/test_fencing.py",),
    ),
    Bug(
        "a failure costs what was ordered",
        "jobs/pipeline.py",
        "charged=attempt.price // attempt.count * delivered",
        "charged=attempt.price",
        ("tests/journeys", "tests/http/test_credits.py", "tests/credits"),
    ),
    Bug(
        "events are read before all earlier ones can be seen",
        "jobs/feed.py",
        '                if row["xid"] >= row["horizon"]:\n                    return True\n',
        "",
        ("tests/jobs/test_feed.py",),
    ),
    Bug(
        "a ticket is forgotten at a restart",
        "jobs/rendering.py",
        '    if step.state == "ticket":\n        answer = Ticket(step',
        '    if step.state == "never":\n        answer = Ticket(step',
        ("tests/faults/test_crash_points.py",),
    ),
    Bug(
        "a picture that could not be asked about is ordered again",
        "jobs/rendering.py",
        "is_lost = not isinstance(error, _ENDS_A_PREDICTION)",
        "is_lost = isinstance(error, OutcomeUnknown | TookTooLong)",
        ("tests/faults/test_crash_points.py",),
    ),
    Bug(
        "nobody looks before asking again",
        "jobs/rendering.py",
        '    elif step.state == "intent":\n        async with within',
        '    elif step.state == "never":\n        async with within',
        ("tests/faults/test_crash_points.py",),
    ),
    Bug(
        "crashes are not counted",
        "jobs/attempts.py",
        "crashes = crashes + (status = 'processing')::int,",
        "crashes = crashes,",
        ("tests/jobs/test_fencing.py",),
    ),
    Bug(
        "a parked job waits for ever",
        "jobs/turns.py",
        "        if not free or free < 0:\n            return 0\n",
        "        return 0\n",
        ("tests/jobs/test_turns.py",),
    ),
    Bug(
        "who comes late waits behind everybody",
        "jobs/intake.py",
        "    SELECT -tag, CASE WHEN parked",
        "    SELECT -1, CASE WHEN parked",
        ("tests/jobs/test_turns.py",),
    ),
    Bug(
        "the running limit is not kept",
        "jobs/intake.py",
        "opens AND coalesce(",
        "false AND coalesce(",
        ("tests/jobs/test_turns.py",),
    ),
    Bug(
        "everybody may say for whom he asks",
        "accounts/addresses.py",
        "self._everybody = EVERYBODY in trusted",
        "self._everybody = True",
        ("tests/accounts/test_addresses.py", "tests/http/test_limits.py"),
    ),
    Bug(
        "a window starts anew instead of sliding",
        "accounts/limits.py",
        "WHERE hit > this.clock - make_interval(secs => excluded.window_s)) AS hits",
        "WHERE hit > to_timestamp(floor(extract(epoch FROM this.clock) / excluded.window_s)"
        " * excluded.window_s)) AS hits",
        ("tests/accounts/test_limits.py",),
    ),
    Bug(
        "a provider that fails is asked for ever",
        "queueing/breaker.py",
        "    if lately.in_a_row >= rules.row_max:\n        return True\n",
        "    return False\n",
        ("tests/queueing/test_breaker.py",),
    ),
    Bug(
        "a job that is to be tried again loses its entry in the queue",
        "queueing/worker.py",
        "        if again:\n",
        "        if again and again.delay_s < 0:\n",
        ("tests/queueing/test_worker.py::test_a_delayed_retry_happens_on_time",),
    ),
    Bug(
        "what a dead worker had in hand waits for its lease",
        "queueing/liveness.py",
        "        if not dead:\n",
        "        if dead is not None:\n",
        ("tests/faults/test_kill.py",),
    ),
    Bug(
        "jobs are overdue by the clock of the process",
        "jobs/endings.py",
        "await _end(database, _OVERDUE, ",
        'await _end(database, _OVERDUE.replace("deadline_at < now()", "deadline_at < to_timestamp("'
        " f\"{__import__('time').time()})\"), ",
        ("tests/faults/test_clocks.py",),
    ),
    Bug(
        "a full queue refuses nobody",
        "queueing/bound.py",
        "if self._waiting < self._most:",
        "if self._most > 0:",
        ("tests/faults/test_overload.py",),
    ),
    Bug(
        "a job that was ended is worked on for ever",
        "queueing/worker.py",
        "            self._cancelled.add(job_id)\n            task.cancel()\n",
        "            self._cancelled.add(job_id)\n",
        ("tests/queueing/test_worker.py",),
    ),
    Bug(
        "a cancel gives away what was delivered while it waited",
        "jobs/endings.py",
        '_ONE = "SELECT id FROM jobs WHERE id = $1 AND owner_id = $2 FOR NO KEY UPDATE"',
        '_ONE = "SELECT id FROM jobs WHERE id = $1 AND owner_id = $2"',
        ("tests/jobs/test_fencing.py",),
    ),
    Bug(
        "a job that is given up pays for what was refused",
        "jobs/pipeline.py",
        "        delivered = _completed(earlier)\n",
        "        delivered = len(earlier)\n",
        ("tests/jobs/test_fencing.py",),
    ),
    Bug(
        "a picture whose link does not answer for a while is ordered again",
        "providers/transport.py",
        "OutcomeUnknown if status >= 500 or status in (408, 429) else InvalidOutput",
        "InvalidOutput",
        ("tests/egress/test_providers.py",),
    ),
    Bug(
        "an entry that cannot be given back at once is lost",
        "queueing/claims.py",
        "        await patiently(\n            lambda: self.driver.execute(",
        "        await (lambda act: act())(\n            lambda: self.driver.execute(",
        ("tests/queueing/test_worker.py",),
    ),
)


def times_found(bug: Bug) -> int:
    """How often the text that a bug replaces stands in its file."""
    return (ROOT / CODE / bug.file).read_text().count(bug.old)


def noticed_by(bug: Bug) -> str | None:
    """The first of the tests named with the bug that fails with it."""
    with _copy() as copy:
        file = copy / CODE / bug.file
        file.write_text(file.read_text().replace(bug.old, bug.new))
        return _first_failure(copy, bug.tests)


@contextlib.contextmanager
def _copy() -> Iterator[Path]:
    """The code and its tests in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="safelight-bug-") as folder:
        copy = Path(folder)
        copy.chmod(0o755)
        for part in ("src", "tests"):
            shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        for part in ("pyproject.toml", "README.md", "studio/openapi.json"):
            (copy / part).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / part, copy / part)
        yield copy


def _first_failure(copy: Path, tests: Iterable[str], *, tell: bool = False) -> str | None:
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--tb=short", *tests],
        cwd=copy,
        check=False,
        env=os.environ | {"PYTHONPATH": f"{copy / 'src'}{os.pathsep}{copy}"},
        capture_output=True,
        text=True,
    )
    assert run.returncode in (0, 1), run.stdout[-2000:] + run.stderr[-2000:]
    failed = [
        line for line in run.stdout.splitlines() if line.startswith(("FAILED ", "ERROR tests/"))
    ]
    if failed and tell:
        print(run.stdout[-4000:])
    return failed[0].split()[1].rpartition("/")[2] if failed else None


def main(names: list[str]) -> int:
    chosen = [bug for bug in BUGS if not names or bug.name in names]
    with _copy() as copy:
        tests = {test: None for bug in chosen for test in bug.tests}
        failed = _first_failure(copy, tests, tell=True)
    if failed:
        print(f"{failed} fails without any planted bug: mend that first")
        return 1
    missed = []
    for bug in chosen:
        begin = time.monotonic()
        test = noticed_by(bug)
        took = f"{time.monotonic() - begin:.0f} s"
        print(f"{bug.name}: {f'noticed by {test}' if test else 'MISSED'} ({took})", flush=True)
        if test is None:
            missed.append(bug)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} planted bugs were noticed")
    return len(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
