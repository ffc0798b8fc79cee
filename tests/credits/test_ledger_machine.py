"""Whatever is done to accounts, in whatever order: the database agrees with a plain model of it,
and everything that must be true of the ledger is.

A turn looks at 2,000 sequences; those of the first turn are always the same. `LEDGER_TURNS` says
how many turns there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from safelight.credits import accounts, grants
from safelight.credits.accounts import Allowance, apply_due
from safelight.credits.invariants import EVERYTHING
from safelight.database.pool import Database
from safelight.jobs import attempts, endings, intake
from safelight.jobs.attempts import Delivered, Delivery
from safelight.jobs.model import Attempt, Order
from safelight.values.credits import Credits
from safelight.values.errors import InvalidRequest
from safelight.values.ids import JobId, OwnerId
from tests.conftest import Cluster
from tests.credits import books, sandbox
from tests.credits.model import Job, Model

_examples = itertools.count(1)
TURNS = int(os.environ.get("LEDGER_TURNS", "1"))
EXAMPLES = 2_000  # of a turn: Hypothesis keeps what it has seen, 170 kB an example
STEPS = 50
INVARIANTS_EVERY = 10  # steps, and at the end: they read all tables, the accounts are two rows

T = TypeVar("T")

who = st.integers(0, 1)
which = st.integers(0, 5)  # of the jobs in question
amounts = st.integers(1, 5)
allowances = st.sampled_from([12, 40])
references = st.sampled_from([f"r{n}" for n in range(15)])
sizes = st.tuples(st.integers(0, 4), st.integers(1, 3))  # credits a variant, variants
dies = st.sampled_from([False] * 7 + [True])


def pick(jobs: list[Known], n: int) -> Known:
    return jobs[n % len(jobs)]


class Known:
    """A job of the model with what the worker who has it knows. i: whose it is."""

    def __init__(self, i: int, order: Order, model: Job) -> None:
        self.i, self.order, self.model = i, order, model
        self.attempt: Attempt | None = None
        self.last: Delivery | None = None

    @property
    def id(self) -> JobId:
        return self.order.id


class LedgerMachine(RuleBasedStateMachine):
    """Two accounts. Every rule may die: what it did is then rolled back, as after a crash, and the
    model does not hear of it."""

    def __init__(self, database: Database, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self.database, self.run = database, loop.run_until_complete
        self.models = (Model(), Model())
        self.jobs: list[Known] = []
        self.keys: set[tuple[int, str]] = set()
        self.steps = itertools.count(1)
        self.undone = sandbox.undone(database)
        self.run(self.undone.__aenter__())

    def open_jobs(self) -> list[Known]:
        return [job for job in self.jobs if job.model.open]

    def ended_jobs(self) -> list[Known]:
        return [job for job in self.jobs if not job.model.open]

    def paid_jobs(self) -> list[Known]:
        return [job for job in self.jobs if job.model.charged]

    def teardown(self) -> None:
        violations = self.run(self.database.fetch(EVERYTHING))  # type: ignore[arg-type]
        self.run(self.undone.__aexit__(None, None, None))
        assert violations == []
        if next(_examples) % 25 == 0:  # what was rolled back still lies in the tables
            self.run(self.database.execute("VACUUM"))  # type: ignore[arg-type]

    def act(self, work: Callable[[], Awaitable[T]], *, dying: bool = False) -> T | None:
        """What the work answers, or None after a death."""

        async def done() -> T | None:
            if not dying:
                return await work()
            async with sandbox.undone(self.database):
                with contextlib.suppress(InvalidRequest):
                    await work()
            return None

        return self.run(done())

    @initialize(
        openings=st.tuples(st.integers(0, 30), st.integers(0, 30)),
        unlimited=st.sampled_from([(False, False), (False, True), (True, False)]),
        before=st.lists(st.tuples(who, st.integers(1, 4), st.integers(1, 3)), max_size=6),
    )
    def open_accounts(
        self,
        openings: tuple[int, int],
        unlimited: tuple[bool, bool],
        before: list[tuple[int, int, int]],
    ) -> None:
        """With jobs of earlier days, every second of them done and paid."""
        self.owners: list[OwnerId] = [
            self.run(books.account(self.database, opening, unlimited=has_no_limit))
            for opening, has_no_limit in zip(openings, unlimited, strict=True)
        ]
        for model, opening, has_no_limit in zip(self.models, openings, unlimited, strict=True):
            model.grant(opening)
            model.unlimited = has_no_limit
        for place, (i, each, count) in enumerate(before):
            self._order(i, [(each, count)], None, dying=False)
            if place % 2 and self.open_jobs():
                self._finish({self.open_jobs()[-1]: count - (count == 3)}, dying=False)

    # Credits from outside

    @rule(i=who, amount=amounts, reference=references, dying=dies)
    def grant(self, i: int, amount: int, reference: str, dying: bool) -> None:
        self._enter(
            ("grant", reference),
            (i, amount),
            lambda: grants.grant(
                self.database, self.owners[i], Credits(amount), reference=reference
            ),
            lambda: self.models[i].grant(amount),
            dying,
        )

    @precondition(lambda self: self.jobs)
    @rule(
        n=which,
        several=st.lists(st.tuples(amounts | st.none(), references), min_size=1, max_size=3),
        dying=dies,
    )
    def refund(self, n: int, several: list[tuple[int | None, str]], dying: bool) -> None:
        """Of what was paid, and of what was not, where there is nothing to give back."""
        job = pick(self.paid_jobs() if n % 5 and self.paid_jobs() else self.jobs, n)
        for amount, reference in several:
            self._refund(job, amount, reference, dying)

    def _refund(self, job: Known, amount: int | None, reference: str, dying: bool) -> None:
        left = job.model.charged - job.model.refunded
        wanted = left if amount is None else amount
        known = self._entries().get(("refund", reference))

        def call() -> Awaitable[grants.Granted]:
            asked = None if amount is None else Credits(amount)
            return grants.refund(self.database, job.id, asked, reference=reference)

        if known is None and (wanted == 0 or wanted > left):
            with pytest.raises(InvalidRequest):
                self.run(call())  # type: ignore[arg-type]
            return
        if known and amount is None and known[0] == job.id:
            wanted = known[1]  # “all that is left” was another amount then, and is the same call
        self._enter(
            ("refund", reference),
            (job.id, wanted),
            call,
            lambda: self.models[job.i].refund(job.model, wanted),
            dying,
        )

    def _enter(
        self,
        key: tuple[str, str],
        content: tuple[Any, int],
        call: Callable[[], Awaitable[grants.Granted]],
        tell_model: Callable[[], None],
        dying: bool,
    ) -> None:
        """An entry with a reference: new, known, or used for something else."""
        known = self._entries().get(key)
        if known not in (None, content):
            with pytest.raises(InvalidRequest):
                self.run(call())  # type: ignore[arg-type]
            return
        entry = self.act(call, dying=dying)
        if entry is None:
            return
        assert entry.is_new == (known is None)
        assert entry.credits.amount == content[1]
        if known is None:
            tell_model()
            self._entries()[key] = content

    def _entries(self) -> dict[Any, Any]:
        """References are of the whole ledger, not of an account."""
        return self.models[0].entries

    # Orders

    @rule(
        i=who,
        several=st.lists(sizes, min_size=1, max_size=5),
        key=st.sampled_from([None, "k1", "k2"]),
        dying=dies,
    )
    def order(self, i: int, several: list[tuple[int, int]], key: str | None, dying: bool) -> None:
        self._order(i, several, key if len(several) == 1 else None, dying)

    def _order(self, i: int, several: list[tuple[int, int]], key: str | None, dying: bool) -> None:
        orders = [
            books.order(self.owners[i], each=each, count=count, idempotency_key=key)
            for each, count in several
        ]
        admitted = self.act(lambda: intake.insert_once(self.database, orders), dying=dying)
        if admitted is None:
            return
        if key and (i, key) in self.keys:
            assert [one.outcome for one in admitted] == ["known"]
            return
        expected = self._expected(i, several)
        assert [one.outcome for one in admitted] == ["new" if one else "short" for one in expected]
        for order, job in zip(orders, expected, strict=True):
            if job:
                self.jobs.append(Known(i, order, job))
                self.keys |= {(i, key)} if key else set()

    def _expected(self, i: int, several: list[tuple[int, int]]) -> list[Job | None]:
        """Together go those that fit with all before them; the others are tried one by one."""
        model, spent, fit = self.models[i], 0, []
        for each, count in several:
            spent += each * count
            fit.append(model.unlimited or spent <= model.available)
        jobs = [
            model.order(*size) if fits else None for size, fits in zip(several, fit, strict=True)
        ]
        return [job or model.order(*size) for job, size in zip(jobs, several, strict=True)]

    # What becomes of them

    def _start(self, job: Known, dying: bool = False) -> None:
        """The next attempt. Whoever had the job before is fenced from then on."""
        before = job.attempt
        attempt = self.act(lambda: books.start(self.database, job.id), dying=dying)
        if attempt is None:
            return
        job.attempt = attempt
        if before:
            late = books.end(before, job.model.count)
            assert self.run(attempts.deliver(self.database, [late])) == [Delivered.FENCED]

    @precondition(lambda self: self.open_jobs())
    @rule(n=which, by_another=st.booleans(), dying=dies)
    def deliver_a_variant(self, n: int, by_another: bool, dying: bool) -> None:
        job = pick(self.open_jobs(), n)
        if by_another or not job.attempt:
            self._start(job, dying)
        if job.attempt is None:
            return
        if job.model.delivered == job.model.count:
            return
        one = Delivery(job.attempt, (books.text(job.model.delivered),), ())
        done = self.act(lambda: attempts.deliver(self.database, [one]), dying=dying)
        if done:
            assert done == [Delivered.WRITTEN]
            job.model.delivered += 1

    @precondition(lambda self: self.open_jobs())
    @rule(several=st.lists(st.tuples(which, st.integers(0, 3)), min_size=1, max_size=3), dying=dies)
    def finish(self, several: list[tuple[int, int]], dying: bool) -> None:
        """Ends of attempts, together: completed with what there is, failed without anything."""
        self._finish({pick(self.open_jobs(), n): more for n, more in several}, dying)

    def _finish(self, jobs: dict[Known, int], dying: bool) -> None:
        """Jobs with how many more variants are made."""
        deliveries = []
        for job, more in jobs.items():
            if not job.attempt:
                self._start(job)
            has = job.model.delivered
            total = min(has + more, job.model.count)
            last = books.end(job.attempt, total, "completed" if total else "failed")
            made = tuple(books.text(index) for index in range(has, total))
            deliveries.append(replace(last, made=made))
        done = self.act(lambda: attempts.deliver(self.database, deliveries), dying=dying)
        if not done:
            return
        assert done == [Delivered.WRITTEN] * len(jobs)
        for job, last in zip(jobs, deliveries, strict=True):
            job.last = last
            job.model.delivered += len(last.made)
            self.models[job.i].end(job.model)

    @precondition(lambda self: self.ended_jobs())
    @rule(n=which)
    def end_again(self, n: int) -> None:
        """The answer to the first time was lost, or a worker that was overtaken wakes up."""
        job = pick(self.ended_jobs(), n)
        if job.last:
            again = self.run(attempts.deliver(self.database, [job.last]))
            assert again == [Delivered.FENCED]
        assert self.run(endings.cancel(self.database, self.owners[job.i], job.id)) is None

    @precondition(lambda self: self.open_jobs())
    @rule(n=which, dying=dies)
    def cancel(self, n: int, dying: bool) -> None:
        job = pick(self.open_jobs(), n)
        owner = self.owners[job.i]
        done = self.act(lambda: endings.cancel(self.database, owner, job.id), dying=dying)
        if not dying:
            assert done is not None
            self.models[job.i].end(job.model)

    @precondition(lambda self: self.open_jobs())
    @rule(several=st.lists(which, min_size=1, max_size=3), dying=dies)
    def expire(self, several: list[int], dying: bool) -> None:
        """Jobs of both accounts whose time is over, swept together."""
        late = {pick(self.open_jobs(), n) for n in several}

        async def sweep() -> set[UUID]:
            await self.database.execute(
                "UPDATE jobs SET deadline_at = now() - interval '1 second' WHERE id = ANY($1)",
                [job.id for job in late],
            )
            return {job_id for job_id, _ in await endings.expire(self.database)}

        ended = self.act(sweep, dying=dying)
        if ended is not None:
            assert ended == {job.id for job in late}
            for job in late:
                self.models[job.i].end(job.model)

    # How an account pays

    @rule(i=who, unlimited=st.booleans(), dying=dies)
    def set_unlimited(self, i: int, unlimited: bool, dying: bool) -> None:
        async def change() -> bool:
            async with self.database.transaction() as tx:
                await accounts.set_unlimited(tx, self.owners[i], unlimited)
            return True

        if self.act(change, dying=dying):
            self.models[i].unlimited = unlimited

    @rule(i=who, allowance=st.tuples(allowances, st.just("month")) | st.none(), dying=dies)
    def set_allowance(self, i: int, allowance: tuple[int, Any] | None, dying: bool) -> None:
        wanted = Allowance(Credits(allowance[0]), allowance[1]) if allowance else None

        async def change() -> bool:
            async with self.database.transaction() as tx:
                await accounts.set_allowance(tx, self.owners[i], wanted)
            return True

        if self.act(change, dying=dying):
            self.models[i].set_allowance(allowance)

    @rule(late=st.lists(st.tuples(who, allowances), max_size=2), dying=dies)
    def sweep_allowances(self, late: list[tuple[int, int]], dying: bool) -> None:
        """Allowances of an earlier period become due, as if time had passed: that is the one thing
        a test cannot order."""
        for i, amount in late:
            self.run(self._make_due(i, amount))
            self.models[i].allowance, self.models[i].due = (amount, "month"), True
        if self.act(lambda: apply_due(self.database), dying=dying) is not None:
            for model in self.models:
                model.fill()

    async def _make_due(self, i: int, amount: int) -> None:
        await self.database.execute(
            """UPDATE accounts SET allowance = $2, allowance_every = 'month',
                      allowance_due = now() - interval '3 months' WHERE id = $1""",
            self.owners[i],
            amount,
        )

    # What must be true

    @invariant()
    def the_database_agrees(self) -> None:
        if not hasattr(self, "owners"):
            return
        assert self.run(self._accounts()) == [
            (m.granted, m.available, m.held, m.used, sum(job.open for job in m.jobs))
            for m in self.models
        ]

    @invariant()
    def the_ledger_is_right(self) -> None:
        if next(self.steps) % INVARIANTS_EVERY == 0:
            assert self.run(self.database.fetch(EVERYTHING)) == []  # type: ignore[arg-type]

    async def _accounts(self) -> list[tuple[int, ...]]:
        rows = await self.database.fetch(
            """SELECT granted, available, held, used, open_jobs FROM accounts
               WHERE id = ANY($1) ORDER BY array_position($1, id)""",
            self.owners,
        )
        return [tuple(row) for row in rows]


@pytest.fixture
def bench(cluster: Cluster) -> Iterator[tuple[Database, asyncio.AbstractEventLoop]]:
    """One connection for all examples: each is a transaction that is rolled back."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        url = runner.run(cluster.clone())
        database = runner.run(sandbox.connect(url))
        # Not the runner's own `run`: setting its signal handler each time is a quarter of the work.
        yield database, runner.get_loop()
        runner.run(database.close())
        runner.run(cluster.drop(url))


@pytest.mark.parametrize("turn", range(TURNS))
def test_the_ledger_agrees_with_its_model_whatever_is_done(
    bench: tuple[Database, asyncio.AbstractEventLoop], turn: int
) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: LedgerMachine(*bench),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=turn == 0,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
