"""A fake of three providers whose weather is decided by a seed, not by the order of the calls.

`/lab` gives tickets: POST predictions, GET predictions/{id}, POST predictions/{id}/cancel, and
GET predictions?key= for whoever lost an answer. `/snap` answers the picture itself and keeps
nothing, `/words` a text likewise. All count what they accepted under each key, so that paying
twice is visible.

`POST /_weather` changes what the next calls meet, `GET /_books` says what was counted.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.pictures import colours, picture
from tests.fakes.server import Answer, Call, Drop, Fake, Hang, Plan, command_line

WAIT_S_MAX = 5.0
_NEVER = float("inf")


@dataclass(frozen=True)
class Weather:
    """How a provider behaves. latency_s: of the work, ± `jitter` as a share; the rest are
    probabilities, of one call each unless said otherwise.

    drop_before: the line goes dead, nothing was accepted. drop_after: accepted, and the answer is
    lost. hang: accepted, and not finished before the weather changes. doubled: accepted twice, as
    behind a proxy that repeats. status_error, status_drop: while a ticket is collected. drip: the
    picture in pieces.
    """

    seed: int = 0
    latency_s: float = 0.05
    jitter: float = 0.5
    retry_after_s: float = 1.0
    drop_before: float = 0.0
    drop_after: float = 0.0
    server_error: float = 0.0
    busy: float = 0.0
    refused: float = 0.0
    hang: float = 0.0
    doubled: float = 0.0
    status_error: float = 0.0
    status_drop: float = 0.0
    drip: float = 0.0

    def fate(self, kinds: tuple[str, ...], *of: object) -> tuple[str, float]:
        """What happens to this call, the same in every run, and how long the work takes."""
        chance = random.Random(f"{self.seed}:{of}")
        roll = chance.random()
        latency_s = self.latency_s * chance.uniform(1 - self.jitter, 1 + self.jitter)
        for kind in kinds:
            roll -= getattr(self, kind)
            if roll < 0:
                return kind, latency_s
        return "", latency_s


_ASKING = ("drop_before", "drop_after", "server_error", "busy", "refused", "hang", "doubled")
_COLLECTING = ("status_error", "status_drop")


@dataclass
class Line:
    """What happened under one key. accepted is what a real provider would put on the bill;
    lost: accepted, and we dropped the answer; abandoned: accepted, and the client left first."""

    prompt: str = ""
    asked: int = 0
    accepted: int = 0
    lost: int = 0
    abandoned: int = 0
    doubled: int = 0
    hung: int = 0
    cancelled: int = 0
    looks: int = 0


@dataclass
class Prediction:
    id: str
    key: str
    width: int
    height: int
    words: tuple[object, ...]
    ready_at: float
    cancelled: bool = False

    def shown(self, now: float) -> dict[str, Any]:
        status = "canceled" if self.cancelled else "running"
        if not self.cancelled and now >= self.ready_at:
            status = "succeeded"
        output = f"/lab/pictures/{self.id}" if status == "succeeded" else None
        return {"id": self.id, "key": self.key, "status": status, "output": output}


@dataclass
class _Desk:
    """One of the providers."""

    name: str
    weather: Weather = field(default_factory=Weather)
    books: dict[str, Line] = field(default_factory=dict)


class FakeLab(Fake):
    """All of them at one address."""

    def __init__(self, *, port: int = 0, plan: Plan | None = None) -> None:
        super().__init__(port=port, plan=plan)
        self.desks = {name: _Desk(name) for name in ("lab", "snap", "words")}
        self._predictions: dict[str, Prediction] = {}
        self._of_key: dict[str, list[Prediction]] = {}

    def answer(self, call: Call) -> Answer:  # noqa: PLR0911  (a table)
        now = time.monotonic()
        match call.method, call.path.strip("/").split("/"):
            case "POST", ["lab", "predictions"]:
                return self._predict(call.json, now)
            case "GET", ["lab", "predictions"]:
                return self._look_up(call, now)
            case "GET", ["lab", "predictions", name] if found := self._predictions.get(name):
                return self._show(found, call, now)
            case "POST", ["lab", "predictions", name, "cancel"] if found := self._predictions.get(
                name
            ):
                return self._cancel(found, now)
            case "GET", ["lab", "pictures", name] if found := self._predictions.get(name):
                return self._picture(found)
            case "POST", ["snap" | "words" as who]:
                return self._at_once(self.desks[who], call.json, is_text=who == "words")
            case _:
                return Answer.of({"error": "There is nothing here."}, 404)

    def left(self, call: Call) -> None:
        super().left(call)
        if call.method == "POST" and (desk := self.desks.get(call.path.strip("/"))):
            desk.books[call.json["key"]].abandoned += 1

    def _predict(self, asked: dict[str, Any], now: float) -> Answer:
        fate, latency_s, line = self._weigh(self.desks["lab"], asked)
        if refusal := self._not_accepted(self.desks["lab"], fate):
            return refusal
        for _ in range(2 if fate == "doubled" else 1):
            made = Prediction(
                id=f"p{len(self._predictions):07}",
                key=asked["key"],
                width=asked["width"],
                height=asked["height"],
                words=(asked["prompt"], asked["seed"]),
                ready_at=_NEVER if fate == "hang" else now + latency_s,
            )
            self._predictions[made.id] = made
            self._of_key.setdefault(made.key, []).append(made)
        line.accepted += 1
        line.doubled += fate == "doubled"
        line.hung += fate == "hang"
        if fate == "drop_after":
            line.lost += 1
            raise Drop
        return Answer.of(made.shown(now), 201)

    def _at_once(self, desk: _Desk, asked: dict[str, Any], *, is_text: bool) -> Answer:
        fate, latency_s, line = self._weigh(desk, asked)
        if refusal := self._not_accepted(desk, fate):
            return refusal
        line.accepted += 1
        line.doubled += fate == "doubled"
        if fate == "hang":
            line.hung += 1
            raise Hang
        if fate == "drop_after":
            line.lost += 1
            raise Drop
        if is_text:
            answer = Answer.of({"text": f"{asked['prompt']}: a line about herons."})
        else:
            two = colours(asked["prompt"], asked["seed"])
            data = picture("png", asked["width"], asked["height"], two)
            answer = Answer(data, type="image/png")
        return replace(answer, after_s=latency_s)

    def _weigh(self, desk: _Desk, asked: dict[str, Any]) -> tuple[str, float, Line]:
        """The fate of this call. It hangs on the prompt, the variant and how often that was asked,
        so it is the same however the calls of different jobs are mixed."""
        line = desk.books.setdefault(asked["key"], Line(prompt=asked["prompt"]))
        line.asked += 1
        variant = asked["key"].rpartition(":")[2]
        fate, latency_s = desk.weather.fate(
            _ASKING, desk.name, asked["prompt"], variant, line.asked
        )
        return fate, latency_s, line

    def _not_accepted(self, desk: _Desk, fate: str) -> Answer | None:
        match fate:
            case "drop_before":
                raise Drop
            case "server_error":
                return Answer.of({"error": {"message": "It broke here."}}, 500)
            case "busy":
                wait = f"{desk.weather.retry_after_s:g}"
                return Answer.of({"error": {"message": "Slow down."}}, 429, retry_after=wait)
            case "refused":
                error = {"code": "content_policy_violation", "message": "Not this."}
                return Answer.of({"error": error}, 422)
            case _:
                return None

    def _look_up(self, call: Call, now: float) -> Answer:
        key = parse_qs(call.query)["key"][0]
        found = reversed(self._of_key.get(key, []))
        return Answer.of({"predictions": [prediction.shown(now) for prediction in found]})

    def _show(self, found: Prediction, call: Call, now: float) -> Answer:
        """Answers when it is finished, or after `wait` seconds as it is then."""
        desk = self.desks["lab"]
        line = desk.books[found.key]
        line.looks += 1
        fate, _ = desk.weather.fate(_COLLECTING, found.words, line.looks)
        if fate == "status_drop":
            raise Drop
        if fate == "status_error":
            return Answer.of({"error": {"message": "It broke here."}}, 500)
        wait_s = min(float(parse_qs(call.query).get("wait", ["0"])[0]), WAIT_S_MAX)
        wait_s = max(0.0, min(wait_s, found.ready_at - now)) if not found.cancelled else 0.0
        return replace(Answer.of(found.shown(now + wait_s + 0.001)), after_s=wait_s)

    def _cancel(self, found: Prediction, now: float) -> Answer:
        if now < found.ready_at and not found.cancelled:
            found.cancelled = True
            self.desks["lab"].books[found.key].cancelled += 1
        return Answer.of(found.shown(now))

    def _picture(self, found: Prediction) -> Answer:
        data = picture("png", found.width, found.height, colours(*found.words))
        fate, _ = self.desks["lab"].weather.fate(("drip",), "picture", found.words)
        if fate:
            return Answer(type="image/png", chunks=_dripping(data))
        return Answer(data, type="image/png")

    def _control(self, call: Call) -> Answer:
        if call.path == "/_weather":
            known = {item.name for item in fields(Weather)}
            for name, given in call.json.items():
                if wrong := set(given) - known:
                    return Answer.of({"error": f"there is no weather like {wrong}"}, 400)
                self.desks[name].weather = Weather(**given)
            now = time.monotonic()
            for stuck in self._predictions.values():
                stuck.ready_at = now if stuck.ready_at == _NEVER else stuck.ready_at
        elif call.path == "/_books":
            return Answer.of(
                {
                    name: {key: asdict(line) for key, line in desk.books.items()}
                    for name, desk in self.desks.items()
                }
            )
        return super()._control(call)


async def _dripping(data: bytes) -> AsyncIterator[bytes]:
    size = max(1, len(data) // 8)
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    command_line(lambda given: FakeLab())
