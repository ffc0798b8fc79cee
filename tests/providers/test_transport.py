"""Events, waits, complaints and keys: what every adapter relies on."""

from __future__ import annotations

import itertools
import json
import time
import traceback
from collections.abc import AsyncIterator
from email.utils import formatdate

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from safelight.providers.failures import complaint, failure, redact, retry_after_s
from safelight.providers.sse import Event, events
from safelight.providers.transport import Transport
from safelight.values.errors import (
    InvalidOutput,
    OutcomeUnknown,
    ProviderError,
    ProviderUnreachable,
)
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Plan

STREAM = (
    b": hello\r\n\r\n"
    b'event: one\ndata: {"a":\ndata:1}\n\n'
    b"id: 4\rretry: 10\rdata: tw\xc3\xb6\r\r"
    b"event: without data\n\n"
    b"data:\n\n"
    b"event: last\r\ndata: no blank line"
)
EVENTS = [
    Event("one", '{"a":\n1}'),
    Event("", "twö"),
    Event("", ""),
    Event("last", "no blank line"),
]


async def cut(data: bytes, *places: int) -> AsyncIterator[bytes]:
    edges = [0, *sorted(places), len(data)]
    for start, end in itertools.pairwise(edges):
        yield data[start:end]


async def test_events_are_the_same_wherever_the_chunks_are_cut() -> None:
    for place in range(len(STREAM) + 1):
        assert [event async for event in events(cut(STREAM, place))] == EVENTS, place
    one_by_one = cut(STREAM, *range(len(STREAM)))
    assert [event async for event in events(one_by_one)] == EVENTS


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
async def test_no_bytes_break_the_event_reader(data: bytes, places: list[int]) -> None:
    inside = [min(place, len(data)) for place in places]

    assert [e async for e in events(cut(data, *inside))] == [e async for e in events(cut(data))]


@pytest.mark.parametrize(
    ("headers", "body", "wait_s"),
    [
        ({"retry-after": "7"}, b"", 7),
        ({"retry-after": "0"}, b"", 0),
        ({"retry-after": "-3"}, b"", 0),
        ({"retry-after": "1e9"}, b"", 86_400),
        ({"retry-after": "nan"}, b"", None),
        ({"retry-after": "inf"}, b"", None),
        ({"retry-after": formatdate(time.time() - 100, usegmt=True)}, b"", 0),
        ({"retry-after": "Fri, 99 Foo 2026"}, b"", None),
        ({"retry-after-ms": "250", "retry-after": "9"}, b"", 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, b"", 9),
        ({}, b'{"error":{"message":"Please try again in 6m0s."}}', 360),
        ({}, b'{"error":{"message":"Please try again in 200ms."}}', 0.2),
        ({}, b'{"detail":"retry in 12.5 s"}', 12.5),
        ({}, b"Too many requests, try again in 3s", 3),
        ({}, b'{"error":{"message":"x","details":[{"retryDelay":"13s"}]}}', 13),
        ({}, b'{"error":{"details":"odd"}}', None),
        ({}, b"[]", None),
        ({}, b"", None),
    ],
)
def test_every_way_to_say_a_wait(
    headers: dict[str, str], body: bytes, wait_s: float | None
) -> None:
    found = retry_after_s(headers, body)

    assert found == (None if wait_s is None else pytest.approx(wait_s, abs=1.1))


def test_a_date_is_a_wait_from_now() -> None:
    date = formatdate(time.time() + 100, usegmt=True)

    assert retry_after_s({"retry-after": date}) == pytest.approx(100, abs=1.1)


@given(
    st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms"]), st.text(max_size=20)),
    st.integers(300, 599),
    st.one_of(
        st.binary(max_size=100),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=10),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["error", "message", "code", "type", "detail", "details"]),
                    inner,
                    max_size=4,
                )
            ),
        ).map(lambda data: json.dumps(data).encode()),
    ),
)
def test_no_answer_breaks_the_naming_of_errors(
    headers: dict[str, str], status: int, body: bytes
) -> None:
    assert isinstance(failure("They", status, headers, body), ProviderError)


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":{"message":"m","code":"c"}}', "m", "c"),
        (b'{"error":"m","status":402}', "m", ""),
        (b'{"message":"m","code":"c"}', "m", "c"),
        (b'{"detail":[{"msg":"m","type":"t"}]}', "m", ""),
        (b'{"error":{"code":404}}', None, ""),
        (b"plain words", "plain words", ""),
        (b"<html>", None, ""),
        (b"", None, ""),
        (b"\xff\xfe", "\ufffd\ufffd", ""),
        (b"null", None, ""),
    ],
)
def test_complaints_are_read_in_every_shape(body: bytes, message: str | None, code: str) -> None:
    said = complaint(body)

    assert (said.message, said.code) == (message, code)


def test_keys_are_taken_out_of_their_words() -> None:
    words = redact("Key my.own+key and sk-abc***xyz, Bearer abcdef12 are wrong", ("my.own+key",))

    assert words == "Key [key] and [key], [key] are wrong"


async def test_a_key_that_breaks_the_request_is_not_in_the_error(openai: FakeOpenAI) -> None:
    transport = Transport("They", openai.url, key=SecretStr("sk-secret\r\nx"))

    with pytest.raises(ProviderError) as caught:
        async with transport.asking("GET", "/", within_s=1):
            pass

    await transport.close()
    assert type(caught.value) is ProviderUnreachable
    assert "sk-secret" not in "".join(traceback.format_exception(caught.value))


async def test_what_a_compressed_answer_holds_is_counted_not_its_size(openai: FakeOpenAI) -> None:
    transport = Transport("They", openai.url, answer_bytes_max=1 << 20)
    openai.plan = Plan(fault="gzip_bomb")

    with pytest.raises(InvalidOutput, match="more than it may"):
        async with transport.asking("GET", "/", within_s=5) as response:
            await transport.read(response)

    await transport.close()


def test_every_failure_of_the_network_has_a_name() -> None:
    transport = Transport("They", "http://home.lan")
    not_sent = {
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.ProxyError,
        httpx2.UnsupportedProtocol,
        httpx2.LocalProtocolError,
    }
    lost = {
        httpx2.ReadError,
        httpx2.ReadTimeout,
        httpx2.WriteError,
        httpx2.WriteTimeout,
        httpx2.CloseError,
        httpx2.RemoteProtocolError,
        TimeoutError,
    }

    assert all(type(transport.problem(kind("x"))) is ProviderUnreachable for kind in not_sent)
    assert all(type(transport.problem(kind("x"))) is OutcomeUnknown for kind in lost)
