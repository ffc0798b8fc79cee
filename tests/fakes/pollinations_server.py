"""A fake of Pollinations: the keyless GET, and the keyed OpenAI-shaped POST."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any, ClassVar
from urllib.parse import parse_qs

from tests.fakes.pictures import colours, picture
from tests.fakes.server import Answer, Call, Fake, Plan, command_line

KEY = "sk_fake0123456789abcdef"
_MODELS = ("flux", "turbo", "zimage", "z-image", "sana")
_BOOLEANS = ("enhance", "nologo", "private", "nofeed", "transparent")


def error(status: int, code: str, message: str, *, http: int | None = None, **more: Any) -> Answer:
    inner = {"code": code, "message": message, "timestamp": "2026-11-20T10:00:00.000Z"} | more
    return Answer.of({"status": status, "success": False, "error": inner}, http or status)


class FakePollinations(Fake):
    """Equal requests get the stored picture and count once in `generated`, as the real one does."""

    def __init__(self, *, key: str | None = KEY, port: int = 0, plan: Plan | None = None) -> None:
        super().__init__(port=port, plan=plan)
        self.key = key
        self.generated = 0
        self._made: dict[str, bytes] = {}

    def answer(self, call: Call) -> Answer:
        if call.method == "GET" and call.path.startswith("/prompt/"):
            return self._keyless(call)
        if call.method == "GET" and call.path == "/image/models":
            return Answer.of([{"name": name, "pricing": {}} for name in _MODELS])
        if self.key and call.headers.get("authorization") != f"Bearer {self.key}":
            return error(401, "UNAUTHORIZED", "A key is required.")
        if call.method == "POST" and call.path == "/v1/images/generations":
            return self._keyed(call)
        return error(404, "NOT_FOUND", "Not found.")

    def _keyless(self, call: Call) -> Answer:
        query = {name: values[0] for name, values in parse_qs(call.query).items()}
        if len(call.path) + len(call.query) > 8192:
            return Answer(b"URI Too Long", 414, "text/plain")
        wrong = [
            name
            for name, low, high in (
                ("width", 0, 10_000),
                ("height", 0, 10_000),
                ("seed", -1, 2**31 - 1),
            )
            if not _whole(query.get(name, "0"), low, high)
        ]
        wrong += [n for n in _BOOLEANS if query.get(n, "true") not in ("true", "false")]
        if wrong:
            return error(400, "BAD_REQUEST", "Invalid query", details={"fieldErrors": wrong})
        if query.get("model", "flux").lower() not in _MODELS:
            return error(400, "BAD_REQUEST", "Unknown model")
        width, height = int(query.get("width", 1024)), int(query.get("height", 1024))
        seed = query.get("seed", "0")
        data = self._once(f"{call.path}?{call.query}", width, height, call.path, seed)
        return Answer(data, type="image/jpeg", headers={"x-cache": "HIT"})

    def _keyed(self, call: Call) -> Answer:
        asked = call.json
        known = {"prompt", "model", "size", "quality", "response_format", "seed", "n"}
        known |= {"negative_prompt", "nologo", "enhance", "safe", "private", "image"}
        if wrong := set(asked) - known:
            return error(400, "BAD_REQUEST", f"Unknown: {wrong}", details={"fieldErrors": []})
        width, height = (int(side) for side in asked.get("size", "1024x1024").split("x"))
        key = f"{sorted(asked.items())}"
        data = self._once(key, width, height, asked["prompt"], asked.get("seed", 0))
        datum = {"b64_json": base64.b64encode(data).decode(), "revised_prompt": asked["prompt"]}
        return Answer.of({"created": int(time.time()), "data": [datum]})

    def _once(self, request: str, width: int, height: int, *of: object) -> bytes:
        if request not in self._made:
            self.generated += 1
            self._made[request] = picture("jpeg", width, height, colours(*of))
        return self._made[request]

    faults: ClassVar[dict[str, Callable[[Any, Call], Answer]]] = {
        "refused": lambda _f, _c: error(422, "content_policy_violation", "Blocked upstream."),
        "refused_safety": lambda _f, _c: error(400, "BAD", "Blocked.", type="safety_error"),
        "payment": lambda _f, _c: error(402, "PAYMENT_REQUIRED", "Insufficient pollen balance."),
        "payment_legacy": lambda _f, _c: Answer.of(
            {"error": "Payment Required", "status": 402}, 402
        ),
        "payment_inside_200": lambda _f, _c: Answer.of({"error": "No pollen left", "status": 402}),
        "busy": lambda _f, _c: error(429, "RATE_LIMITED", "One image every 5 s."),
        "busy_text": lambda _f, _c: Answer(b"Queue full, retry in 3s", 429, "text/plain"),
        "upstream": lambda _f, _c: error(502, "BAD_GATEWAY", "Upstream 429"),
        "forbidden": lambda _f, _c: error(403, "FORBIDDEN", "Not for you."),
        "bad_key": lambda f, _c: error(401, "UNAUTHORIZED", f"Unknown key {f.key}"),
        "bad_request": lambda _f, _c: error(400, "BAD_REQUEST", "Nope"),
        "not_a_picture": lambda _f, _c: Answer(b"<svg/>", type="image/svg+xml"),
        "png": lambda _f, _c: Answer(picture("png", 64, 64, b"abcdef"), type="image/png"),
    }


def _whole(text: str, low: int, high: int) -> bool:
    try:
        return low <= int(text) <= high
    except ValueError:
        return False


if __name__ == "__main__":
    command_line(
        lambda given: FakePollinations(key=given.key or None),
        ("--key", KEY, "the only key accepted by the keyed part; empty takes any"),
    )
