"""The fake's chat completions: an answer made of the question, whole or streamed."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.fakes.server import Answer


class Refused(Exception):
    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def error(
    status: int,
    message: str,
    *,
    code: str | None = None,
    kind: str = "invalid_request_error",
    param: str | None = None,
    **headers: str,
) -> Answer:
    body = {"error": {"message": message, "type": kind, "param": param, "code": code}}
    return Answer.of(body, status, **headers)


def chat(asked: dict[str, Any], fault: str = "") -> Answer | list[str]:
    """The whole answer, or the lines of a stream. Raises: Refused."""
    model = _checked(asked)
    content = asked["messages"][-1]["content"]
    asked_for = content if isinstance(content, str) else json.dumps(content)
    words = f"You asked: {asked_for} — here it is, word by word.".split(" ")
    most = asked.get("max_completion_tokens") or asked.get("max_tokens") or 10_000
    reason = "length" if len(words) > most else "stop"
    pieces = [word if i == 0 else f" {word}" for i, word in enumerate(words[:most])]
    if fault == "chat_empty":
        pieces = []
    if fault == "chat_filtered":
        pieces, reason = pieces[:2], "content_filter"
    usage = {"prompt_tokens": 10, "completion_tokens": len(pieces)}
    if fault == "chat_absurd_usage":
        usage = {"prompt_tokens": 10, "completion_tokens": 10**15}
    usage["total_tokens"] = sum(usage.values())
    head = {"id": "chatcmpl-fake", "created": int(time.time()), "model": model}
    if asked.get("stream"):
        with_usage = (asked.get("stream_options") or {}).get("include_usage")
        return _stream(head, pieces, reason, usage if with_usage else None, fault)
    message = {"role": "assistant", "content": "".join(pieces), "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    body = {"object": "chat.completion", "choices": [choice], "usage": usage}
    return Answer.of(head | body)


def _checked(asked: dict[str, Any]) -> str:
    model = asked.get("model")
    if model not in ("gpt-6-luna", "tiny-chat"):
        raise Refused(error(404, f"No model {model!r}", code="model_not_found"))
    unknown = "max_completion_tokens" if model == "tiny-chat" else "max_tokens"
    if unknown in asked:
        raise Refused(error(400, f"Unknown parameter: '{unknown}'.", param=unknown))
    messages = asked.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refused(error(400, "'messages' is required", param="messages"))
    return str(model)


def _stream(
    head: dict[str, Any],
    pieces: list[str],
    reason: str,
    usage: dict[str, int] | None,
    fault: str,
) -> list[str]:
    head = head | {"object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps(head | {'choices': [choice]})}\n\n"

    lines = [chunk({"role": "assistant", "content": ""})]
    if fault == "chat_refusal":
        lines += [chunk({"refusal": "I cannot help with that."}), chunk({}, "stop")]
    else:
        lines += [chunk({"content": piece}) for piece in pieces] + [chunk({}, reason)]
    if usage:
        lines.append(f"data: {json.dumps(head | {'choices': [], 'usage': usage})}\n\n")
    lines.append("data: [DONE]\n\n")
    match fault:
        case "chat_ends_early" | "chat_drop":  # the first as if all were said, the second midway
            lines = lines[:3]
        case "chat_nonsense":
            lines[2] = "data: {nonsense\n\n"
        case "chat_wrong_shape":
            lines[2] = 'data: {"choices": 7}\n\n'
        case "chat_error":
            bad = {"error": {"message": "Oops", "type": "server_error", "code": None}}
            lines[2:] = [f"data: {json.dumps(bad)}\n\n"]
        case "stream_comments":
            lines = [f": ping\n\n{line}" for line in lines]
    return lines
