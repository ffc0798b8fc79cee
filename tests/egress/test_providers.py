"""Providers behind the guard: what they may point to, and who gets their key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from pydantic import SecretStr

from safelight.egress.client import PICTURES
from safelight.providers import catalog
from safelight.providers.build import build
from safelight.providers.configuration import ProviderSettings
from safelight.providers.openai_text import OpenAIText
from safelight.providers.transport import Transport
from safelight.settings import Settings
from safelight.values.errors import InvalidOutput, OutcomeUnknown, ProviderError, TargetRefused
from safelight.wiring import build_registry
from tests.egress.conftest import World, answer
from tests.egress.vectors import PUBLIC
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.server import Answer, Call
from tests.providers.conftest import Seen, render, write

KEY = "sk-never-to-be-seen-elsewhere"


class Pointing(FakeOpenAI):
    """An image server at home whose pictures lie at another name of this machine."""

    def answer(self, call: Call) -> Answer:
        if call.path.endswith("/generations"):
            link = f"http://localhost:{self.port}/files/8-8-616263646566"
            return Answer.of({"data": [{"url": link}]})
        return super().answer(call)


@pytest.mark.parametrize("allow", [[], ["localhost"], ["127.0.0.0/8", "::1"], ["nas.lan"]])
async def test_pictures_on_another_host_at_home_are_fetched_if_it_is_listed(
    allow: list[str],
) -> None:
    with Pointing(key=None) as fake:
        listed = [each if "/" in each or ":" in each else f"{each}:{fake.port}" for each in allow]
        registry = build_registry(
            Settings(
                sketch=False,
                openai_base_url=fake.base_url,
                openai_image_models=["flux-schnell"],
                egress_allow=listed,
            )
        )
        asked = registry.image("openai").submit(
            render(registry.card("openai/flux-schnell")), Seen()
        )

        if allow in ([], ["nas.lan"]):
            with pytest.raises(TargetRefused, match="pointed to an address that is not fetched"):
                await asked
        else:
            assert (await asked).data

        await registry.close()
        assert fake.counts["POST /v1/images/generations"] == 1
        assert sum(fake.counts.values()) == (1 if allow in ([], ["nas.lan"]) else 2)


async def test_the_key_goes_along_to_the_provider_alone_however_often_it_is_redirected(
    world: World,
) -> None:
    path = {
        "/start": answer(status=302, location="https://cdn.example/away"),
        "/away": answer(status=302, location="https://api.example/back"),
        "/back": answer(b"a picture"),
    }
    world.answers = path.__getitem__
    transport = Transport(
        "They", "https://api.example/v1", key=SecretStr(KEY), egress=world.egress()
    )

    got = await transport.download("https://api.example/start", bytes_max=100, within_s=20)

    await transport.close()
    assert got == b"a picture"
    assert [head.split(" ")[1] for head in world.heads if KEY in head] == ["/start", "/back"]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (403, InvalidOutput),
        (404, InvalidOutput),
        (408, OutcomeUnknown),
        (429, OutcomeUnknown),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
    ],
)
async def test_a_link_that_does_not_work_for_a_while_does_not_mean_that_there_is_no_picture(
    world: World, status: int, error: type[ProviderError]
) -> None:
    world.answers = lambda _path: answer(status=status)
    transport = Transport("They", "https://api.example/v1", egress=world.egress())

    with pytest.raises(error, match=f"whose link answers {status}"):
        await transport.download("https://cdn.example/1", bytes_max=100, within_s=20)

    await transport.close()


async def test_more_redirects_than_three_are_not_followed(world: World) -> None:
    world.answers = lambda path: answer(status=302, location=f"https://cdn.example{path}x")
    transport = Transport("They", "https://api.example/v1", egress=world.egress())

    with pytest.raises(InvalidOutput, match="redirects too often"):
        await transport.download("https://cdn.example/", bytes_max=100, within_s=20)

    await transport.close()
    assert len(world.heads) == PICTURES.redirects_max + 1


async def test_a_picture_that_drips_is_not_waited_for(world: World) -> None:
    world.answers = lambda _path: answer(b"half")[:-2]
    transport = Transport("They", "https://api.example/v1", egress=world.egress())

    with pytest.raises(OutcomeUnknown, match="did not answer in time"):
        await transport.download("https://cdn.example/", bytes_max=100, within_s=0.5)

    await transport.close()


def text(world: World) -> Callable[[], object]:
    card = replace(catalog.text_card("tiny-chat"), timeout_s=20.0)
    transport = Transport(
        "They", "https://inside.example/v1", is_listed=False, egress=world.egress()
    )
    writer = OpenAIText(transport, [card], official=(), tokens_default=10)
    return lambda: writer.write(write(card), Seen())


def picture(world: World) -> Callable[[], object]:
    settings = ProviderSettings(sketch=False, pollinations="keyless")
    registry = build(settings, egress=world.egress())
    card = registry.card("pollinations/free")
    return lambda: registry.image("pollinations").submit(render(card), Seen())


@pytest.mark.parametrize("ask", [text, picture])
async def test_a_provider_whose_name_leads_inside_is_not_asked_unless_the_operator_wrote_it(
    ask: Callable[[World], Callable[[], object]], world: World
) -> None:
    world.dns.names["inside.example"] = world.dns.names["image.pollinations.ai"] = ("10.0.0.1",)

    with pytest.raises(ProviderError) as caught:
        await ask(world)()  # type: ignore[misc]

    assert type(caught.value) is TargetRefused, repr(caught.value)
    assert "SAFELIGHT_EGRESS_ALLOW" in str(caught.value)
    assert world.canary.visitors() == 0


@pytest.mark.parametrize(
    "link",
    [
        *("http://ai.example/", "http://ai.example:8080/", "https://ai.example:5432/"),
        *("http://ai.example:443/", "https://127.0.0.1/", "https://cdn.ai.example/"),
    ],
)
async def test_a_company_that_points_its_name_inside_gets_no_further_with_links(
    link: str, world: World
) -> None:
    world.dns.names["ai.example"] = world.dns.names["cdn.ai.example"] = ("127.0.0.1",)
    transport = Transport("They", "https://ai.example/v1", egress=world.egress())

    with pytest.raises(TargetRefused):
        await transport.download(link, bytes_max=100, within_s=20)

    await transport.close()
    assert world.canary.visitors() == 0


async def test_a_configured_base_url_may_lead_inside(world: World) -> None:
    world.dns.names["inside.example"] = (PUBLIC,)
    transport = Transport("They", "http://inside.example:8080/v1", egress=world.egress())

    with pytest.raises(ProviderError):  # a server for TLS, asked without: it hangs up
        async with transport.asking("GET", "/models", within_s=20):
            pass

    await transport.close()
    assert world.network.dialled == [(PUBLIC, 8080)]
