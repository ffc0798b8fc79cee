"""Text from OpenAI, and from every server that speaks its chat API, by way of pydantic-ai."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import TYPE_CHECKING

import httpx2

from safelight.providers.failures import failure, redact
from safelight.providers.openai_answers import TOKENS_MAX
from safelight.providers.protocol import ModelCard, TextRequest, Watch, Written
from safelight.providers.transport import Transport
from safelight.values.errors import (
    InvalidOutput,
    NotAsked,
    OutcomeUnknown,
    ProviderError,
    ProviderFailed,
    ProviderRefused,
)

if TYPE_CHECKING:
    from pydantic_ai import Agent
    from pydantic_ai.result import StreamedRunResult

TEXT_CHARS_MAX = 400_000


class OpenAIText:
    """POST /chat/completions at one base URL, streamed.

    official: the models that are OpenAI's own, by the provider's name for them, wherever they are
    served: those take `max_completion_tokens` where others mostly know only `max_tokens`.
    token_usd: USD for a million tokens in and out, by the same names.
    """

    def __init__(
        self,
        transport: Transport,
        cards: Iterable[ModelCard],
        *,
        official: Collection[str],
        tokens_default: int,
        token_usd: Mapping[str, tuple[Decimal, Decimal]] | None = None,
        name: str = "openai",
    ) -> None:
        self.name = name
        self._transport = transport
        self._cards = {card.provider_model: card for card in cards}
        self._official = official
        self._tokens_default = tokens_default
        self._token_usd = token_usd or {}
        self._agents: dict[str, Agent[None, str]] = {}

    def models(self) -> Sequence[ModelCard]:
        return list(self._cards.values())

    async def write(self, request: TextRequest, watch: Watch) -> Written:
        model = request.model.provider_model
        if model not in self._cards:
            raise NotAsked(f"{request.model.id} is not configured any more.")
        if model not in self._agents:
            # The import takes 2 s and 45 MiB (measured on one core), far too much for the start
            # of a server whose users may never ask for text; in a thread, so that jobs go on.
            self._agents[model] = await asyncio.to_thread(
                _agent, model, self._transport, model in self._official
            )
        pieces: list[str] = []
        async with self._run(self._agents[model], request) as result:
            length = 0
            async for piece in result.stream_text(delta=True, debounce_by=None):
                length += len(piece)
                if length > TEXT_CHARS_MAX:
                    raise InvalidOutput(f"{self._transport.who} answers without an end.")
                pieces.append(piece)
                watch.delta(piece)
            return self._written("".join(pieces), model, result)

    async def close(self) -> None:
        await self._transport.close()

    def _written(self, text: str, model: str, result: StreamedRunResult[None, str]) -> Written:
        who = self._transport.who
        response = result.response
        if response.finish_reason == "content_filter":
            raise ProviderRefused(f"{who} refused this prompt under its content rules.")
        # pydantic-ai says “stop” when a stream just ends; only this is the server's word.
        if not (response.provider_details or {}).get("finish_reason"):
            raise OutcomeUnknown(f"The connection to {who} broke before the text was whole.")
        if not text.strip():
            raise InvalidOutput(f"{who} answered an empty text.")
        used = [response.usage.input_tokens or 0, response.usage.output_tokens or 0]
        if not all(0 <= tokens <= TOKENS_MAX for tokens in used):
            used = [0, 0]
        tokens = sum(used)
        usd = None
        if tokens and (price := self._token_usd.get(model)):
            usd = (price[0] * used[0] + price[1] * used[1]) / 1_000_000
        return Written(
            text=text,
            provider_id=response.provider_response_id,
            tokens=tokens or None,
            usd=usd,
        )

    @asynccontextmanager
    async def _run(
        self, agent: Agent[None, str], request: TextRequest
    ) -> AsyncIterator[StreamedRunResult[None, str]]:
        within_s = request.model.timeout_s
        try:
            async with (
                asyncio.timeout(within_s),
                agent.run_stream(
                    request.prompt.text,
                    model_settings={
                        "max_tokens": request.max_tokens or self._tokens_default,
                        "timeout": within_s,
                    },
                ) as result,
            ):
                yield result
        except ProviderError:
            raise
        except Exception as error:
            # Without its cause, which holds the request with its headers.
            raise self._named(error) from None

    def _named(self, error: Exception) -> ProviderError:
        """Our name for whatever pydantic-ai, the openai client or the network raised.

        The first that is a fact of HTTP or of the network decides, from the outside in.
        """
        import openai  # noqa: PLC0415  (slow: see `write`)
        from pydantic_ai import exceptions as ai  # noqa: PLC0415

        transport = self._transport
        who = transport.who
        for cause in _causes(error):
            match cause:
                case ai.ContentFilterError():
                    return ProviderRefused(f"{who} refused this prompt under its content rules.")
                case ai.ModelHTTPError(status_code=status, headers=headers, body=body):
                    return failure(who, status, headers or {}, body, secrets=transport.secrets)
                case openai.APIStatusError(status_code=status):  # a redirect
                    return failure(who, status, cause.response.headers, cause.body)
                case httpx2.HTTPStatusError() | openai.APIConnectionError():
                    continue  # what is inside, or was outside, says more
                case httpx2.HTTPError() | httpx2.InvalidURL() | TimeoutError():
                    return transport.problem(cause)
                case openai.APIError():  # an error event inside a stream
                    said = redact(cause.message, transport.secrets)
                    return ProviderFailed(f"{who} failed while writing.", provider_message=said)
        # Everything else is an answer that one of the layers could not make sense of.
        return InvalidOutput(f"{who} answered something that is not a chat completion.")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from, outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _agent(model: str, transport: Transport, official: bool) -> Agent[None, str]:
    """An agent that sends one user message and takes whatever text comes back, once."""
    from openai import AsyncOpenAI  # noqa: PLC0415
    from pydantic_ai import Agent  # noqa: PLC0415
    from pydantic_ai.models.openai import OpenAIChatModel  # noqa: PLC0415
    from pydantic_ai.profiles.openai import OpenAIModelProfile  # noqa: PLC0415
    from pydantic_ai.providers.openai import OpenAIProvider  # noqa: PLC0415
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider  # noqa: PLC0415

    client = AsyncOpenAI(
        base_url=transport.base_url,
        # The client insists on a key; a server that wants none does not look at it.
        api_key=transport.secrets[0] if transport.secrets else "none",
        http_client=transport.plain_client,
        max_retries=0,  # the queue retries, and knows what a try costs
    )
    # It has filled these from the environment, for whatever server this is.
    client.organization = client.project = None
    if official:
        openai = OpenAIChatModel(model, provider=OpenAIProvider(openai_client=client))
        return Agent(openai, retries=0)
    compatible = OpenAICompatibleProvider(
        "compatible",
        openai_client=client,
        profile=OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False),
    )
    return Agent(OpenAIChatModel(model, provider=compatible), retries=0)
