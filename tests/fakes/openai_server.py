"""A fake of OpenAI's images and chat API, as strict about what it receives as the real one.

Wire format: `docs/providers.md` says where it was read. Two kinds of image model: `gpt-image-*`
with OpenAI's rules, and `flux-schnell`, which behaves like a compatible server (seed, negative
prompt, response_format). Chat: `gpt-6-luna` and `tiny-chat`, which knows only `max_tokens`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from collections.abc import AsyncIterator, Callable
from email.utils import formatdate
from typing import Any, ClassVar

from tests.fakes.openai_chat import Refused, chat, error
from tests.fakes.pictures import colours, picture
from tests.fakes.server import Answer, Call, Drop, Fake, Plan, command_line

KEY = "sk-fake-0123456789abcdef"
_GPT_FIELDS = {
    "prompt": str,
    "model": str,
    "n": int,
    "size": str,
    "quality": str,
    "background": str,
    "output_format": str,
    "output_compression": int,
    "moderation": str,
    "stream": bool,
    "partial_images": int,
    "user": str,
    "safety_identifier": str,
}
_COMPATIBLE_FIELDS = {
    "prompt": str,
    "model": str,
    "n": int,
    "size": str,
    "response_format": str,
    "seed": int,
    "negative_prompt": str,
    "steps": int,
    "guidance_scale": (int, float),
    "width": int,
    "height": int,
}
_GPT_IMAGES = (
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.6-sunburst",
)
_TOKENS = {"low": 16, "medium": 48, "high": 96}


class FakeOpenAI(Fake):
    """key: the only one accepted; None takes any, and none. size: every picture's, whatever is
    asked; bytes_min: pads pictures to a realistic weight."""

    def __init__(
        self,
        *,
        key: str | None = KEY,
        size: tuple[int, int] | None = None,
        bytes_min: int = 0,
        port: int = 0,
        plan: Plan | None = None,
    ) -> None:
        super().__init__(port=port, plan=plan)
        self.key = key
        self.size = size
        self.bytes_min = bytes_min
        self.asked: list[dict[str, Any]] = []  # the fields of accepted image requests

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"

    def answer(self, call: Call) -> Answer:
        try:
            return self._answer(call)
        except Refused as refused:
            return refused.answer

    def _answer(self, call: Call) -> Answer:  # noqa: PLR0911
        if call.path.startswith("/files/"):  # where `url` answers point to; no key needed
            width, height, two = call.path.removeprefix("/files/").split("-")
            data = picture("png", int(width), int(height), bytes.fromhex(two))
            return Answer(data, type="image/png")
        if self.key and call.headers.get("authorization") != f"Bearer {self.key}":
            return error(401, "Incorrect API key provided.", code="invalid_api_key")
        match call.method, call.path:
            case "POST", "/v1/images/generations":
                return self._images(_json_body(call), edit=False)
            case "POST", "/v1/images/edits":
                return self._images(_form(call), edit=True)
            case "POST", "/v1/chat/completions":
                return self._chat(_json_body(call))
            case "GET", "/v1/models":
                data = [
                    {"id": name, "object": "model", "created": 1, "owned_by": "fake"}
                    for name in (*_GPT_IMAGES, "flux-schnell", "gpt-6-luna", "tiny-chat")
                ]
                return Answer.of({"object": "list", "data": data})
            case _:
                return error(404, f"Unknown request URL: {call.method} {call.path}")

    def _chat(self, asked: dict[str, Any]) -> Answer:
        """`Refused` carries the 400."""
        fault = self.plan.fault or ""
        answer = chat(asked, fault)
        if isinstance(answer, list):
            cut = "stream_drop" if fault == "chat_drop" else fault
            return Answer(type="text/event-stream", chunks=self._timed(answer, cut))
        return answer

    # Images

    def _images(self, asked: dict[str, Any], *, edit: bool) -> Answer:
        asked = checked(asked, edit=edit)
        self.asked.append({k: v for k, v in asked.items() if k not in ("image", "mask")})
        width, height = self.size or _size(asked)
        two = colours(asked["prompt"], asked.get("seed"), asked["model"])
        kind = asked.get("output_format", "png")

        def made(step: int = 0) -> str:
            shade = bytes((value + 40 * step) % 256 for value in two)
            data = picture(kind, width, height, shade, bytes_min=self.bytes_min)
            return base64.b64encode(data).decode()

        if asked.get("stream"):
            return self._stream(asked, made, edit=edit)
        if asked.get("response_format") == "url":
            datum = {"url": f"{self.url}/files/{width}-{height}-{two.hex()}"}
        else:
            datum = {"b64_json": made()}
        body = {"created": int(time.time()), "data": [datum] * asked.get("n", 1)}
        if asked["model"].startswith("gpt-image"):
            body |= {"size": f"{width}x{height}", "output_format": kind}
            body["usage"] = _usage(asked)
        return Answer.of(body)

    def _stream(self, asked: dict[str, Any], made: Callable[[int], str], *, edit: bool) -> Answer:
        name = "image_edit" if edit else "image_generation"
        fault, partials = self.plan.fault or "", asked.get("partial_images", 0)
        events = [
            {
                "type": f"{name}.partial_image",
                "b64_json": made(partials - index),
                "created_at": int(time.time()),
                "partial_image_index": index,
            }
            for index in range(partials)
        ]
        completed = {"type": f"{name}.completed", "b64_json": made(0), "usage": _usage(asked)}
        lines = [f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in [*events, completed]]
        if fault == "stream_comments":
            lines = [f": ping\n\n{line}: another\nretry: 10\nid: 7\n" for line in lines]
        elif fault == "stream_crlf":
            lines = [line.replace("\n", "\r\n") for line in lines]
        elif fault == "stream_no_last_blank":
            lines[-1] = lines[-1].rstrip("\n")
        elif fault == "stream_no_event_names":
            lines = [line.partition("\n")[2] for line in lines]
        elif fault == "stream_error":
            said = {"type": "image_generation_user_error", "code": "moderation_blocked"}
            bad = {"type": "error", "error": said | {"message": "Rejected by the safety system."}}
            lines[-1] = f"event: error\ndata: {json.dumps(bad)}\n\n"
        elif fault == "stream_server_error":
            bad = {"type": "error", "error": {"type": "server_error", "message": "Oops"}}
            lines[-1] = f"event: error\ndata: {json.dumps(bad)}\n\n"
        elif fault == "stream_not_json":
            lines[-1] = "data: {nonsense\n\n"
        elif fault == "stream_done_only":
            lines = ["data: [DONE]\n\n"]
        elif fault == "stream_ends_early":
            lines.pop()
        return Answer(type="text/event-stream", chunks=self._timed(lines, fault))

    async def _timed(self, lines: list[str], fault: str) -> AsyncIterator[bytes]:
        for index, line in enumerate(lines):
            if self.plan.step_s:
                await asyncio.sleep(self.plan.step_s)
            data = line.encode()
            if fault == "stream_drop" and index == len(lines) - 1:
                yield data[: len(data) // 2]
                raise Drop
            if fault == "stream_split":  # in the middle of names, values, line ends and UTF-8
                for start in range(0, len(data), 97):
                    yield data[start : start + 97]
            else:
                yield data

    faults: ClassVar[dict[str, Callable[[Any, Call], Answer]]] = {
        # Busy, in every way a wait is said
        "busy_seconds": lambda _f, _c: error(429, "Slow down", retry_after="7"),
        "busy_date": lambda _f, _c: error(
            429, "Slow down", retry_after=formatdate(time.time() + 30, usegmt=True)
        ),
        "busy_ms": lambda _f, _c: error(429, "Slow down", retry_after_ms="1500"),
        "busy_words": lambda _f, _c: error(
            429, "Rate limit reached. Please try again in 1m12s.", code="rate_limit_exceeded"
        ),
        "busy_forever": lambda _f, _c: error(429, f"Please try again in {'9' * 400}m1s."),
        "busy_detail": lambda _f, _c: Answer.of({"detail": "Retry in 2.5s please"}, 429),
        "busy_details": lambda _f, _c: Answer.of(
            {"error": {"message": "Busy", "details": [{"retryDelay": "13s"}]}}, 429
        ),
        "busy_silent": lambda _f, _c: error(429, "Slow down"),
        "busy_nonsense": lambda _f, _c: error(429, "Slow down", retry_after="soon"),
        "conflict": lambda _f, _c: error(409, "Lock conflict"),
        # Final
        "no_quota": lambda _f, _c: error(429, "You exceeded your quota", code="insufficient_quota"),
        "hard_limit": lambda _f, _c: error(400, "Limit", code="billing_hard_limit_reached"),
        "bad_key": lambda f, _c: error(
            401, f"Incorrect API key provided: {f.key}.", code="invalid_api_key"
        ),
        "forbidden": lambda f, _c: error(403, f"Your organization must be verified (key {f.key})."),
        "bad_request": lambda _f, _c: error(400, "Invalid size", param="size"),
        "bad_upstream": lambda _f, _c: error(400, "The upstream server rejected the size"),
        "unprocessable": lambda _f, _c: error(422, "Cannot be processed"),
        "not_found": lambda _f, _c: error(404, "No such model", code="model_not_found"),
        "echoes_key": lambda f, _c: error(400, f"Bad header: Bearer {f.key}"),
        # Broken
        "server_error": lambda _f, _c: error(500, "The server had an error", kind="server_error"),
        "overloaded": lambda _f, _c: error(503, "Overloaded", retry_after="3"),
        # Refusals, in every shape
        "refused": lambda _f, _c: error(
            400,
            "Rejected by the safety system. safety_violations=[violence]",
            code="moderation_blocked",
            kind="image_generation_user_error",
        ),
        "refused_old": lambda _f, _c: error(400, "Not allowed", code="content_policy_violation"),
        "refused_filter": lambda _f, _c: error(400, "Filtered", code="content_filter"),
        "empty_data": lambda _f, _c: Answer.of({"created": 1, "data": []}),
        "empty_item": lambda _f, _c: Answer.of({"created": 1, "data": [{}]}),
        # One request of several
        "refused_then_broken": lambda f, c: f.faults["refused" if f._met == 1 else "server_error"](
            f, c
        ),
        "broken_then_lost": lambda f, c: _broken_then_lost(f, c),  # noqa: PLW0108
        # Nonsense
        "torn_picture": lambda f, c: _torn(f.answer(c)),
        "no_data": lambda _f, _c: Answer.of({"created": 1}),
        "bad_base64": lambda _f, _c: Answer.of({"data": [{"b64_json": "%%%"}]}),
        "not_a_picture": lambda _f, _c: Answer.of(
            {"data": [{"b64_json": base64.b64encode(b"<svg/>").decode()}]}
        ),
        "null_usage": lambda f, c: _with(f.answer(c), usage=None),
        "absurd_usage": lambda f, c: _with(
            f.answer(_without(c, "stream", "partial_images")),
            usage={"input_tokens": -5, "output_tokens": 10**40},
        ),
        "odd_usage": lambda f, c: _with(f.answer(c), usage={"input_tokens": "many"}),
        "data_url": lambda f, c: _as_data_url(f.answer(c)),
        "bad_link": lambda _f, _c: Answer.of({"data": [{"url": "file:///etc/passwd"}]}),
        "http_link": lambda _f, _c: Answer.of({"data": [{"url": "http://example.org/a.png"}]}),
        "dead_link": lambda f, _c: Answer.of({"data": [{"url": f"{f.url}/nowhere"}]}),
        # Streams
        "no_streaming": lambda f, c: (
            error(400, "Unknown parameter: 'stream'.", param="stream")
            if c.json.get("stream")
            else f.answer(c)
        ),
        "ignores_stream": lambda f, c: f.answer(_without(c, "stream", "partial_images")),
        **{
            name: lambda f, c: f.answer(c)
            for name in (
                *("stream_comments", "stream_crlf", "stream_no_last_blank", "stream_split"),
                *("stream_no_event_names", "stream_error", "stream_server_error"),
                *("stream_not_json", "stream_done_only", "stream_ends_early", "stream_drop"),
                *("chat_empty", "chat_filtered", "chat_refusal", "chat_ends_early", "chat_drop"),
                *("chat_nonsense", "chat_wrong_shape", "chat_error", "chat_absurd_usage"),
            )
        },
    }


def checked(asked: dict[str, Any], *, edit: bool) -> dict[str, Any]:  # noqa: PLR0912
    """The request, or the 400 the real server would give."""

    def wrong(message: str, param: str, code: str | None = None) -> Refused:
        return Refused(error(400, message, param=param, code=code))

    model = asked.get("model")
    gpt = model in _GPT_IMAGES
    if not gpt and model != "flux-schnell":
        raise Refused(error(404, f"The model {model!r} does not exist.", code="model_not_found"))
    known: dict[str, Any] = dict(_GPT_FIELDS if gpt else _COMPATIBLE_FIELDS)
    if edit:
        known |= {"image": list, "mask": bytes}
    for name, value in asked.items():
        if name not in known:
            raise wrong(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        if not isinstance(value, known[name]) or (known[name] is int and isinstance(value, bool)):
            raise wrong(f"Invalid type for '{name}'.", name, "invalid_type")
    prompt = asked.get("prompt")
    if not prompt or len(prompt) > 32_000:
        raise wrong("'prompt' must have 1 to 32000 characters.", "prompt")
    if not 1 <= asked.get("n", 1) <= 10:
        raise wrong("'n' must be 1 to 10.", "n")
    for name, allowed in (
        ("quality", ("auto", "low", "medium", "high")),
        ("output_format", ("png", "jpeg", "webp")),
        ("response_format", ("url", "b64_json")),
    ):
        if asked.get(name, allowed[0]) not in allowed:
            raise wrong(f"Invalid value for '{name}'.", name, "invalid_value")
    if "partial_images" in asked and not asked.get("stream"):
        raise wrong("'partial_images' needs 'stream'.", "partial_images")
    if not 0 <= asked.get("partial_images", 0) <= 3:
        raise wrong("'partial_images' must be 0 to 3.", "partial_images")
    if not 0 <= asked.get("seed", 0) < 2**31:
        raise wrong("'seed' must be 0 to 2147483647.", "seed")
    width, height = _size(asked)
    if gpt and (
        width % 16
        or height % 16
        or max(width, height) > 3840
        or max(width, height) > 3 * min(width, height)
        or not 655_360 <= width * height <= 8_294_400
    ):
        raise wrong(f"Invalid size '{width}x{height}'.", "size", "invalid_value")
    if edit:
        images = asked.get("image") or []
        if not 1 <= len(images) <= 16:
            raise wrong("'image' must be 1 to 16 files.", "image")
        if any(not data.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF")) for data in images):
            raise wrong("Unsupported image file.", "image")
        if "mask" in asked and not asked["mask"].startswith(b"\x89PNG"):
            raise wrong("'mask' must be a PNG.", "mask")
    return asked


def _size(asked: dict[str, Any]) -> tuple[int, int]:
    if "width" in asked:
        return asked["width"], asked["height"]
    size = asked.get("size", "1024x1024")
    found = re.fullmatch(r"(\d{2,5})x(\d{2,5})", "1024x1024" if size == "auto" else size)
    if not found:
        raise Refused(error(400, f"Invalid size '{size}'.", param="size"))
    return int(found[1]), int(found[2])


def _usage(asked: dict[str, Any]) -> dict[str, Any]:
    width, height = _size(asked)
    q = _TOKENS.get(asked.get("quality", "high"), 96)
    short = round(q * min(width, height) / max(width, height))
    tokens = -(-q * short * (2_000_000 + width * height) // 4_000_000)
    return {
        "total_tokens": tokens + 50,
        "input_tokens": 50,
        "output_tokens": tokens,
        "input_tokens_details": {"text_tokens": 50, "image_tokens": 0},
    }


def _json_body(call: Call) -> dict[str, Any]:
    if not call.headers.get("content-type", "").startswith("application/json"):
        raise Refused(error(400, "Content-Type must be application/json"))
    try:
        asked = call.json
    except ValueError:
        raise Refused(error(400, "The body is not JSON")) from None
    if not isinstance(asked, dict):
        raise Refused(error(400, "The body is not an object"))
    return asked


def _form(call: Call) -> dict[str, Any]:
    """multipart/form-data with the fields typed as JSON would have them."""
    kind = call.headers.get("content-type", "")
    if not kind.startswith("multipart/form-data; boundary="):
        raise Refused(error(400, "Content-Type must be multipart/form-data"))
    boundary = kind.partition("boundary=")[2].strip('"').encode()
    asked: dict[str, Any] = {}
    for part in call.body.split(b"--" + boundary)[1:-1]:
        head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]+)"', head)
        assert name, head
        field = name[1].decode()
        if field in ("image", "image[]"):
            asked.setdefault("image", []).append(value)
        elif field == "mask":
            asked["mask"] = value
        else:
            text = value.decode()
            typed = _GPT_FIELDS.get(field)
            asked[field] = int(text) if typed is int else text == "true" if typed is bool else text
    return asked


def _with(answer: Answer, **more: Any) -> Answer:
    return Answer.of(json.loads(answer.body) | more)


def _without(call: Call, *names: str) -> Call:
    body = {k: v for k, v in call.json.items() if k not in names}
    return Call(call.method, call.path, call.query, call.headers, json.dumps(body).encode())


def _broken_then_lost(fake: FakeOpenAI, call: Call) -> Answer:
    """By turns."""
    if fake._met % 2:
        return fake.faults["server_error"](fake, call)
    raise Drop


def _torn(answer: Answer) -> Answer:
    """Its header is whole, its pixels are not."""
    known = json.loads(answer.body)
    for one in known["data"]:
        whole = base64.b64decode(one["b64_json"])
        one["b64_json"] = base64.b64encode(whole[: len(whole) // 2]).decode()
    return Answer.of(known)


def _as_data_url(answer: Answer) -> Answer:
    body = json.loads(answer.body)
    coded = body["data"][0].pop("b64_json")
    body["data"][0]["url"] = f"data:image/png;base64,{coded}"
    return Answer.of(body)


if __name__ == "__main__":
    command_line(
        lambda given: FakeOpenAI(
            key=given.key or None,
            size=tuple(int(n) for n in given.picture.split("x")) if given.picture else None,
            bytes_min=int(given.bytes),
        ),
        ("--key", KEY, "the only key accepted; empty takes any"),
        ("--picture", "", "every picture's size, e.g. 64x64; default: as asked"),
        ("--bytes", "0", "pad pictures to at least this many bytes"),
    )
