"""A provider that says everything it was told again, the key too, in every way an answer has."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Answer, Call

_WAY = re.compile(r"echo by (\w+)")


class EchoingProvider(FakeOpenAI):
    """Prompts that say `echo by <way>` get that; all others what a FakeOpenAI answers."""

    def answer(self, call: Call) -> Answer:
        asked = _WAY.search(unquote(call.target) + call.body.decode("utf-8", "replace"))
        if asked is None:
            return super().answer(call)
        key = call.headers.get("authorization", "").removeprefix("Bearer ")
        said = f"Incorrect API key provided: {key}. You sent {json.dumps(call.headers)}."
        return self._echoed(asked[1], key, said)

    def _echoed(self, way: str, key: str, said: str) -> Answer:  # noqa: PLR0911  (a table)
        match way:
            case "code":
                return Answer.of({"error": {"message": "no", "code": key, "type": key}}, 400)
            case "param":
                return Answer.of({"error": {"message": "no", "param": key, "code": "x"}}, 400)
            case "text":
                return Answer(said.encode(), 500, "text/plain")
            case "detail":
                return Answer.of({"detail": [{"msg": said, "loc": [key]}]}, 422)
            case "header":
                return Answer.of({"error": {"message": "no"}}, 500, x_request_id=key)
            case "picture":
                return Answer.of({"created": 1, "data": [{"b64_json": key}]})
            case "shape":
                return Answer.of({"created": key, "data": key, "error": said})
            case "kind":
                return Answer(key.encode(), type=f"text/{key}")
            case "refusal":
                error = {"message": said, "code": "content_policy_violation"}
                return Answer.of({"error": error}, 400)
            case "place":
                data = [{"url": f"http://127.0.0.1:9/{key}?key={key}"}]
                return Answer.of({"created": 1, "data": data})
            case _ if way.isdecimal():
                return Answer.of({"error": {"message": said}}, int(way))
        raise ValueError(f"no way to echo by {way!r}")


WAYS = ("401", "403", "400", "404", "429", "500", "503", "code", "param", "text", "detail")
WAYS += ("header", "picture", "shape", "kind", "refusal", "place")
