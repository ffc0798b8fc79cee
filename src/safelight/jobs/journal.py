"""What an attempt writes while it works: stages, progress, and the steps a restart can skip.

Lines that come within a few milliseconds of each other leave as one statement; a recorded step
takes them along. Stages and text are never dropped; progress is, beyond four lines a second.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from contextlib import suppress
from typing import Any, Literal

import structlog

from safelight.jobs.attempts import Delivered, Delivery, Note, Prediction, Step
from safelight.jobs.desk import Desk
from safelight.jobs.feed import Feed
from safelight.jobs.model import Attempt, Made, Stage
from safelight.values.images import CONTENT_TYPES, sniff_format

_STAGE_DELAY_S = 0.004  # long enough to join the next line, too short to be seen
_PROGRESS_EVERY_S = 0.25
_TEXT_EVERY_S = 0.1
PREVIEW_BYTES_MAX = 6 * 1024

StepState = Literal["intent", "ticket", "done", "failed"]

log = structlog.get_logger()


class Fenced(Exception):
    """The job was cancelled, or given to a newer attempt: stop and write nothing more."""


class Journal:
    """One attempt's pen."""

    def __init__(self, desk: Desk, feed: Feed, attempt: Attempt) -> None:
        self.attempt = attempt
        self._desk = desk
        self._feed = feed
        self._recorded: dict[str, Step] = {}
        self._stage: Stage | None = None
        self._progress: dict[int, float] = {}
        self._latest: dict[int, dict[str, Any]] = {}  # progress lines not yet written, by variant
        self._text: dict[int, list[str]] = {}
        self._lines: list[tuple[str, dict[str, Any]]] = []
        self._prompt: str | None = None
        self._writing = asyncio.Lock()
        self._timer: asyncio.Task[None] | None = None
        self._due_at = float("inf")
        self._last_progress_at = 0.0

    def remember(self, steps: dict[str, Step]) -> None:
        """What earlier attempts wrote down."""
        self._recorded |= steps

    def recorded(self, name: str) -> Step:
        """The step as it is written down; an empty one when it is not."""
        return self._recorded.get(name, Step())

    async def record(
        self, name: str, state: StepState, result: Any, *predictions: Prediction
    ) -> None:
        """Write a step down, durably, before going on; with it what is asked of the provider, or
        what came of it. Raises: Fenced."""
        self._recorded[name] = Step(state, result, self.attempt.number)
        await self._write([(name, state, result)], predictions)

    def enter(self, stage: Stage) -> None:
        if stage == self._stage:
            return
        self._stage = stage
        self._progress.clear()
        self._latest.clear()
        self._lines.append(("stage", {"stage": stage}))
        self._write_within(_STAGE_DELAY_S)

    def optimized(self, prompt: str) -> None:
        """Remember the rewritten prompt; it is written with the next line."""
        self._prompt = prompt

    def step_progress(self, index: int, step: int, steps: int, preview: bytes | None) -> None:
        """How far a variant is. May be dropped when more than four come in a second."""
        share = min(max(step / max(steps, 1), 0.0), 1.0)
        self._progress[index] = share
        line: dict[str, Any] = {"index": index, "progress": share, "step": step, "steps": steps}
        line["preview"] = _data_url(preview) or self._latest.get(index, {}).get("preview")
        self._latest[index] = line
        now = asyncio.get_running_loop().time()
        self._write_within(max(0.0, self._last_progress_at + _PROGRESS_EVERY_S - now))

    def text(self, index: int, piece: str) -> None:
        """The next piece of a text."""
        self._text.setdefault(index, []).append(piece)
        self._write_within(_TEXT_EVERY_S)

    async def deliver(
        self,
        made: list[Made],
        *,
        status: str = "processing",
        error: dict[str, Any] | None = None,
        charged: int | None = None,
        dead: bool = False,
    ) -> Delivered:
        """Hand variants over and, with another status, end the job. Raises: Fenced."""
        await self._settle_timer()
        async with self._writing:
            lines = self._take_lines()
            lines += [("output", {"index": one.index}) for one in made]
            delivered = await self._desk.deliver(
                Delivery(self.attempt, tuple(made), tuple(lines), status, error, charged, dead)
            )
            self._check(delivered is not Delivered.FENCED)
        self._feed.announce()
        return delivered

    async def close(self) -> None:
        """Drop what was not written; the attempt is over."""
        await self._settle_timer()

    async def _write(
        self, steps: list[tuple[str, str, Any]], predictions: tuple[Prediction, ...] = ()
    ) -> None:
        async with self._writing:
            lines = self._take_lines()
            progress = self._progress
            share = sum(progress.values()) / self.attempt.count if progress else None
            prompt, self._prompt = self._prompt, None
            note = Note(
                self.attempt, self._stage, share, prompt, tuple(lines), tuple(steps), predictions
            )
            self._check(await self._desk.note(note))
        if lines:
            self._feed.announce()

    def _take_lines(self) -> list[tuple[str, dict[str, Any]]]:
        lines, self._lines = self._lines, []
        if self._latest:
            lines += [("progress", line) for line in self._latest.values()]
            self._latest = {}
            self._last_progress_at = asyncio.get_running_loop().time()
        for index, pieces in self._text.items():
            lines.append(("delta", {"index": index, "text": "".join(pieces)}))
        self._text = {}
        return lines

    def _write_within(self, delay_s: float) -> None:
        """Make sure that a write begins within the delay; an earlier one takes this along."""
        due_at = asyncio.get_running_loop().time() + delay_s
        if self._timer and not self._timer.done():
            if due_at >= self._due_at or self._writing.locked():
                return
            self._timer.cancel()
        self._due_at = due_at
        self._timer = asyncio.create_task(self._write_later(delay_s))

    async def _write_later(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while self._lines or self._latest or self._text:
            # Not cancelled with us: what has been taken from the lines must be written.
            writing = asyncio.create_task(self._write([]))
            writing.add_done_callback(_tell)
            await asyncio.wait([writing])
            if writing.exception():
                return

    async def _settle_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            with suppress(asyncio.CancelledError):
                await self._timer
            self._timer = None

    def _check(self, written: bool) -> None:
        if not written:
            raise Fenced


def _tell(writing: asyncio.Task[None]) -> None:
    error = None if writing.cancelled() else writing.exception()
    # Of being fenced the next step will be told; the lines were nobody's.
    if error and not isinstance(error, Fenced):
        log.error("progress could not be written", exc_info=error)


def _data_url(preview: bytes | None) -> str | None:
    kind = sniff_format(preview) if preview and len(preview) <= PREVIEW_BYTES_MAX else None
    if not preview or not kind:
        return None
    return f"data:{CONTENT_TYPES[kind]};base64,{b64encode(preview).decode()}"
