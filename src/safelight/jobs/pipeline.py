"""The journey of one attempt, from claim to delivery. Reads as a table of contents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog

from safelight.crashpoints import crash
from safelight.database.patience import GONE, patiently
from safelight.database.pool import Database
from safelight.images.darkroom import Darkroom
from safelight.images.store import PictureStore
from safelight.jobs import attempts, rendering, turns
from safelight.jobs.attempts import HELD_UP, Claim, Delivered, Step
from safelight.jobs.desk import Desk
from safelight.jobs.feed import Feed
from safelight.jobs.journal import Fenced, Journal
from safelight.jobs.model import Attempt, Made, Stage
from safelight.jobs.sources import Shelf
from safelight.prompts.refine import refine
from safelight.providers.protocol import ModelCard
from safelight.providers.registry import Registry
from safelight.queueing.lanes import Lanes
from safelight.queueing.outcomes import Again, GiveUp, decide
from safelight.values.errors import (
    NotAsked,
    OutcomeUnknown,
    ProviderError,
    RequestRefused,
    SafelightError,
)
from safelight.values.ids import JobId

log = structlog.get_logger()

_ORDER: tuple[Stage, ...] = (
    "understanding",
    "refining_prompt",
    "generating",
    "uploading",
    "finalizing",
)


# Failures that only the one who asked can mend: nothing for the operator to look at.
_USERS_OWN = frozenset({"content_policy", "invalid_request", "unsupported_option"})


class TooManyCrashes(SafelightError):
    """Workers died over this job, one after the other."""

    def __init__(self, crashes: int) -> None:
        super().__init__(
            f"The worker died {crashes} times over this job, so it is not tried again."
        )


class TooLate(SafelightError):
    """The deadline was over before the job was done."""

    code = "timeout"
    title = "This took too long"

    def __init__(self) -> None:
        super().__init__("It was not finished before its deadline.")


@dataclass(frozen=True, slots=True)
class Limits:
    """attempts_max: tries of one job. crashes_max: workers that may die over it. patience_s: how
    long it may be overtaken by more urgent ones of its owner."""

    attempts_max: int
    crashes_max: int
    backoff_max_s: float
    patience_s: float = 600.0


class Pipeline:
    """Carries out jobs; holds no state of its own between them."""

    def __init__(
        self,
        database: Database,
        feed: Feed,
        registry: Registry,
        *,
        lanes: Lanes,
        store: PictureStore,
        darkroom: Darkroom,
        limits: Limits,
        on_freed: Callable[[], None],
    ) -> None:
        self._database = database
        self._desk = Desk(database, patience_s=limits.patience_s)
        self._feed = feed
        self._registry = registry
        self._lanes = lanes
        self._store = store
        self._darkroom = darkroom
        self._limits = limits
        self._on_freed = on_freed

    async def carry_out(
        self, job_id: JobId, tag: int, hold: Callable[[JobId], None]
    ) -> Again | None:
        """Make one attempt at the job, or at a more urgent one of the same owner: `hold` is told
        which. Returns Again when there should be another, None when the job ended (or had ended
        before). tag: of the queue entry."""
        attempt = await self._start_unhurried(job_id, tag, hold)
        if attempt is None:
            return None
        crash("after_start")
        structlog.contextvars.bind_contextvars(
            request_id=attempt.request_id, job_id=str(attempt.job_id)
        )
        self._feed.announce()
        journal = Journal(self._desk, self._feed, attempt)
        try:
            if attempt.number > 1:
                journal.remember(await self._recorded_before(attempt))
            if attempt.overdue:
                await self._give_up(journal, TooLate())
                return None
            if attempt.crashes >= self._limits.crashes_max:
                await self._give_up(journal, TooManyCrashes(attempt.crashes))
                return None
            return await self._produce(journal)
        except RequestRefused as error:
            # The model was there when the job was accepted; the settings have changed since.
            await self._give_up(journal, NotAsked(str(error)))
            return None
        except Fenced:
            log.info("somebody else has this job now", attempt=attempt.number)
            await self._leave(journal)
            return None
        except asyncio.CancelledError:
            # The worker stops. (Or the job was cancelled: then its row takes nothing more.)
            with suppress(*GONE):
                if not await asyncio.shield(self._give_back(attempt)):
                    await asyncio.shield(self._leave(journal))
            raise
        finally:
            await journal.close()

    async def _start_unhurried(
        self, job_id: JobId, tag: int, hold: Callable[[JobId], None]
    ) -> Attempt | None:
        """Cancelled while the attempt begins: let it begin, so that it can be given back."""
        starting = asyncio.create_task(self._start(job_id, tag, hold))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with suppress(*GONE):
                if attempt := await starting:
                    await self._give_back(attempt)
            raise

    async def _start(
        self, job_id: JobId, tag: int, hold: Callable[[JobId], None]
    ) -> Attempt | None:
        hold(job_id)
        started = await self._desk.start(Claim(job_id, tag))
        if started == HELD_UP:
            job_id = await patiently(lambda: turns.trade(self._database, job_id, tag))
            hold(job_id)
            started = await self._desk.start(Claim(job_id, tag, overtakable=False))
        return started if isinstance(started, Attempt) else None

    async def _leave(self, journal: Journal) -> None:
        """The job is not ours any more. If it was cancelled, the provider may stop too."""
        attempt = journal.attempt
        status = await patiently(
            lambda: self._database.fetchval("SELECT status FROM jobs WHERE id = $1", attempt.job_id)
        )
        if status == "cancelled" and attempt.type == "image":
            await rendering.cancel_tickets(journal, self._registry.image(attempt.provider))

    async def _give_back(self, attempt: Attempt) -> bool:
        """The job waits again, and this attempt does not count. False: it is not ours any more."""
        waits = await attempts.wait_again(self._database, attempt, is_try=False)
        self._feed.announce()
        return waits

    async def _recorded_before(self, attempt: Attempt) -> dict[str, Step]:
        return await patiently(lambda: attempts.recorded_steps(self._database, attempt.job_id))

    async def _produce(self, journal: Journal) -> Again | None:
        attempt = journal.attempt
        journal.enter("refining_prompt")
        prompt = refine(attempt.prompt, attempt.request["style"])
        journal.optimized(prompt.text)
        crash("after_refining")
        journal.enter("generating")

        card = self._registry.card(attempt.model)
        earlier = await self._delivered_before(attempt)
        waiting = [index for index in range(attempt.count) if index not in earlier]
        progress = _Slowest(journal, waiting)
        shelf = Shelf(self._database, self._store, attempt)

        def variant(index: int) -> Awaitable[Made]:
            if attempt.type == "text":
                provider = self._registry.text(attempt.provider)
                return rendering.write_text(journal, index, prompt, card, provider, self._lanes)
            return rendering.make_picture(
                journal,
                index,
                prompt,
                card,
                self._registry.image(attempt.provider),
                self._lanes,
                self._store,
                self._darkroom,
                shelf,
                progress.reach(index),
            )

        work = {index: variant(index) for index in waiting}
        return await self._collect(journal, card, _completed(earlier), work)

    async def _delivered_before(self, attempt: Attempt) -> dict[int, str]:
        if attempt.number == 1:
            return {}
        return await patiently(lambda: attempts.delivered_indexes(self._database, attempt.job_id))

    async def _collect(
        self,
        journal: Journal,
        card: ModelCard,
        delivered: int,
        variants: dict[int, Awaitable[Made]],
    ) -> Again | None:
        """Deliver each variant as it is finished; the last one ends the job in one statement."""
        failures: dict[int, Exception] = {}
        tasks = {asyncio.ensure_future(work): index for index, work in variants.items()}
        waiting = set(tasks)
        last: list[Made] = []
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                finished: list[Made] = []
                for task in done:
                    if error := _error_of(task):
                        failures[tasks[task]] = _expected(error)
                    else:
                        finished.append(task.result())
                delivered += len(finished)
                if waiting and finished:
                    await journal.deliver(finished)
                else:
                    last = finished
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        if failures:
            return await self._after_failures(journal, failures, delivered, last)
        await self._end(journal, last, delivered, None)
        return None

    async def _after_failures(
        self, journal: Journal, failures: dict[int, Exception], delivered: int, last: list[Made]
    ) -> Again | None:
        """Another attempt for what failed, or the end with what there is."""
        attempt = journal.attempt
        decisions = {
            index: decide(
                error,
                tries=attempt.tries + 1,
                attempts_max=self._limits.attempts_max,
                backoff_max_s=self._limits.backoff_max_s,
                lost=rendering.lost_before(journal, index),
            )
            for index, error in failures.items()
        }
        for index, error in failures.items():
            log.warning(
                "a variant failed", index=index, error=str(error), kind=type(error).__name__
            )
        told = {index: explain(error, attempt) for index, error in failures.items()}
        again = [decision for decision in decisions.values() if isinstance(decision, Again)]
        if again:
            # A final failure is one: only what may still succeed is asked for again.
            made = last + [
                Made(index=index, error=told[index])
                for index, decision in decisions.items()
                if isinstance(decision, GiveUp)
            ]
            if made:
                await journal.deliver(made)
            await journal.close()
            is_try = any(decision.is_try for decision in again)
            if not await patiently(
                lambda: attempts.wait_again(self._database, attempt, is_try=is_try)
            ):
                raise Fenced
            self._feed.announce()
            return Again(max(decision.delay_s for decision in again), is_try)
        made = last + [Made(index=index, error=error) for index, error in told.items()]
        await self._end(journal, made, delivered, None if delivered else next(iter(told.values())))
        return None

    async def _end(
        self, journal: Journal, made: list[Made], delivered: int, error: dict[str, Any] | None
    ) -> None:
        attempt = journal.attempt
        status = "failed" if error else "completed"
        crash("before_delivery")
        done = await journal.deliver(
            made,
            status=status,
            error=error,
            charged=attempt.price // attempt.count * delivered,
            dead=bool(error and error["code"] not in _USERS_OWN),
        )
        crash("after_delivery")
        log.info("job ended", status=status, attempt=attempt.number, outputs=delivered)
        if done is Delivered.FREED:
            # Forgotten if we die here; the sweep finds it.
            with suppress(*GONE):
                if await turns.unpark(self._database, attempt.owner_id):
                    self._on_freed()

    async def _give_up(self, journal: Journal, reason: SafelightError) -> None:
        """End the job here, with what was delivered before."""
        earlier = await self._delivered_before(journal.attempt)
        error = explain(reason, journal.attempt)
        missing = [i for i in range(journal.attempt.count) if i not in earlier]
        made = [Made(index=index, error=error) for index in missing]
        delivered = _completed(earlier)
        await self._end(journal, made, delivered, None if delivered else error)


def _completed(outputs: Mapping[int, str]) -> int:
    """How many of them can be looked at; the others are failures that were final."""
    return sum(status == "completed" for status in outputs.values())


class _Slowest:
    """The stage of a job with several variants is that of its slowest one."""

    def __init__(self, journal: Journal, indexes: list[int]) -> None:
        self._journal = journal
        self._reached: dict[int, int] = dict.fromkeys(indexes, _ORDER.index("generating"))

    def reach(self, index: int) -> rendering.Reach:
        def reached(stage: Stage) -> None:
            self._reached[index] = _ORDER.index(stage)
            self._journal.enter(_ORDER[min(self._reached.values())])

        return reached


def _error_of(task: asyncio.Future[Made]) -> BaseException | None:
    # Nobody cancels a variant but us, and then we are not here: an adapter lost its own task.
    return (
        OutcomeUnknown("The provider's answer was dropped.")
        if task.cancelled()
        else task.exception()
    )


def _expected(error: BaseException) -> Exception:
    """A failure of a provider or of our own; being fenced or cancelled passes through."""
    if isinstance(error, Fenced) or not isinstance(error, Exception):
        raise error
    if not isinstance(error, ProviderError):
        log.error("a variant broke", exc_info=error)
    return error


def explain(error: Exception, attempt: Attempt) -> dict[str, Any]:
    """The failure as the user is told it. Nothing of an unexpected one is shown."""
    told: dict[str, Any] = {"charged": False, "provider_message": None, "retryable": True}
    match error:
        case ProviderError():
            tries = attempt.tries + 1
            after = f" It was tried {tries} times." if tries > 1 else ""
            told |= {"code": error.code, "title": error.title, "detail": f"{error}{after}"}
            told |= {"retryable": error.retryable, "provider_message": error.provider_message}
        case TooManyCrashes() | TooLate():
            told |= {"code": error.code, "title": error.title, "detail": str(error)}
        case _:
            request = f" Request {attempt.request_id}." if attempt.request_id else ""
            told |= {"code": SafelightError.code, "title": SafelightError.title}
            told |= {"detail": f"It's our fault, not yours.{request}"}
    return told
