"""No spelling of a forbidden address gets through any of the ways in which this server asks others.

`docs/security.md` states the figures; the last test compares.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpcore2
import httpx2
import pytest

from safelight.egress.client import LOGINS, PICTURES, WEBHOOKS
from safelight.egress.guard import TargetNotAllowed
from safelight.providers.transport import Transport
from safelight.values.errors import ProviderError
from safelight.values.targets import Target
from tests.egress.conftest import HOSTS, World, answer
from tests.egress.vectors import NAMES, PUBLIC, PUBLIC_6, URLS

Ask = Callable[[str], Awaitable[object]]
KEY = "sk-never-to-be-seen-elsewhere"


@asynccontextmanager
async def a_link(world: World) -> AsyncIterator[Ask]:
    """A provider's answer points there."""
    transport = Transport("They", "https://api.example/v1", egress=world.egress())
    yield lambda url: transport.download(url, bytes_max=1000, within_s=20)
    await transport.close()


@asynccontextmanager
async def _redirect(world: World, hop: int) -> AsyncIterator[Ask]:
    """A provider's answer points to a public server, which redirects there at the `hop`th time."""
    transport = Transport("They", "https://api.example/v1", egress=world.egress())

    def answers(path: str) -> bytes:
        found = re.fullmatch(r"/hop/(\d+)/(\d+)", path)
        if not found:  # some are no more than a path on the same public server
            return answer(status=404)
        left, number = int(found[1]), int(found[2])
        to = f"/hop/{left - 1}/{number}" if left > 1 else URLS[number]
        line = b"location: " + to.strip("\t \r\n").encode()
        return answer(status=302).replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n")

    world.answers = answers

    async def ask(url: str) -> object:
        first = f"https://cdn.example/hop/{hop}/{URLS.index(url)}"
        return await transport.download(first, bytes_max=1000, within_s=20)

    yield ask
    await transport.close()


@asynccontextmanager
async def an_unlisted_base_url(world: World) -> AsyncIterator[Ask]:
    """A provider's own address that the operator did not write."""

    async def ask(url: str) -> object:
        transport = Transport("They", url, is_listed=False, egress=world.egress())
        async with transport.asking("POST", "", within_s=20, json={}) as response:
            return await transport.read(response)

    yield ask


@asynccontextmanager
async def a_login(world: World) -> AsyncIterator[Ask]:
    """An identity provider's own documents point there."""
    client = world.egress().client(LOGINS, own=[Target.of_url("https://login.example")])
    yield client.get
    await client.aclose()


@asynccontextmanager
async def a_webhook(world: World) -> AsyncIterator[Ask]:
    """A user says that he wants to be told there."""
    client = world.egress().client(WEBHOOKS)
    yield lambda url: client.post(url, json={})
    await client.aclose()


WAYS = {
    "link": a_link,
    "redirect at once": lambda world: _redirect(world, 1),
    "second redirect": lambda world: _redirect(world, 2),
    "third redirect": lambda world: _redirect(world, 3),
    "unlisted base URL": an_unlisted_base_url,
    "login": a_login,
    "webhook": a_webhook,
}


@pytest.mark.parametrize("way", WAYS)
async def test_nothing_gets_through(way: str, world: World) -> None:
    came_of: Counter[str] = Counter()

    async with WAYS[way](world) as ask:
        for url in URLS:
            try:
                await ask(url)
                came_of["passed"] += 1
            except (ProviderError, httpx2.TransportError, httpx2.InvalidURL) as error:
                came_of[type(error).__name__] += 1

    print(f"{way}: {len(URLS)} tried, {dict(came_of)}")
    assert came_of["passed"] == 0
    assert world.canary.visitors() == 0
    assert {host for host, _ in world.network.dialled} <= {PUBLIC, PUBLIC_6}
    assert all(port == 443 for _, port in world.network.dialled)
    # Nearly all are refused by name; the rest are no addresses at all, or break the redirect.
    assert came_of["TargetRefused"] + came_of["TargetNotAllowed"] >= 0.8 * len(URLS)


async def test_without_the_guard_most_of_them_would(world: World) -> None:
    client = httpx2.AsyncClient(transport=Unguarded(world), verify=world.certificates)
    passed = 0
    for url in URLS:
        with suppress(httpx2.HTTPError, httpx2.InvalidURL, UnicodeError, OSError, OverflowError):
            passed += (await client.get(url)).is_success
    await client.aclose()

    reached = world.canary.visitors()
    print(f"without the guard: {len(URLS)} tried, {reached} reached the canary, {passed} answered")
    assert reached + passed >= 0.5 * len(URLS)


class Unguarded(httpx2.AsyncHTTPTransport):
    """What httpx2 does by itself, in the same world."""

    def __init__(self, world: World) -> None:
        super().__init__(trust_env=False)

        class Naive(httpcore2.AsyncNetworkBackend):
            async def connect_tcp(  # type: ignore[override]
                self, host: str, port: int, *args: object, **named: object
            ) -> httpcore2.AsyncNetworkStream:
                first = (await world.dns(host, port))[0]
                return await world.network.connect_tcp(first, port, 5)

        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=world.certificates, network_backend=Naive()
        )


@pytest.mark.parametrize("purpose", [PICTURES, LOGINS, WEBHOOKS], ids=lambda one: one.name)
@pytest.mark.parametrize("bad", ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"])
async def test_a_name_that_changes_its_mind_is_believed_once(
    bad: str, purpose: object, world: World
) -> None:
    world.dns.turns["cdn.example"] = itertools.cycle([(PUBLIC,), (bad,)])
    world.answers = lambda _path: answer(b"hello", connection="close")
    client = world.egress().client(purpose)  # type: ignore[arg-type]
    answered = refused = 0

    for _ in range(40):
        try:
            await client.get("https://cdn.example/a.png")
            answered += 1
        except TargetNotAllowed:
            refused += 1

    await client.aclose()
    assert (answered, refused) == (20, 20)
    assert len(world.dns.asked) == 40  # one look a connection: what was checked is what is used
    assert set(world.network.dialled) == {(PUBLIC, 443)}
    assert world.canary.visitors() == 0


def test_the_figures_in_the_documents_are_these() -> None:
    security = (Path(__file__).parents[2] / "docs" / "security.md").read_text()

    assert len(URLS) >= 150
    assert set(NAMES).isdisjoint(HOSTS)
    assert (
        f"{len(URLS)} vectors by {len(WAYS)} ways: {len(URLS) * len(WAYS):,} tried, 0 passed"
        in security
    )
