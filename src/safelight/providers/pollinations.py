"""Pictures from Pollinations without a key: one GET whose answer is the picture.

With a key the same company speaks OpenAI's image API, so `registry` uses `OpenAIImages` for that.
Asking again with the same seed and words joins the running work or returns the stored picture,
which makes a repeat after a lost answer harmless.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from urllib.parse import quote, urlencode

from safelight.providers.failures import failure
from safelight.providers.openai_answers import checked_picture
from safelight.providers.protocol import ModelCard, Rendered, RenderRequest, Ticket, Watch
from safelight.providers.transport import Transport
from safelight.values.errors import InvalidOutput, NotAsked, OutcomeUnknown, ProviderError
from safelight.values.images import sniff_format

# Common servers and proxies stop reading an address at 8 KiB, headers not included.
ADDRESS_BYTES_MAX = 7500


class PollinationsKeyless:
    """GET /prompt/{prompt}. Free, best effort; may answer 402, 403 or 429 at any time."""

    def __init__(
        self,
        transport: Transport,
        cards: Iterable[ModelCard],
        *,
        name: str = "pollinations",
        picture_bytes_max: int = 25 * 1024 * 1024,
    ) -> None:
        self.name = name
        self._transport = transport
        self._cards = tuple(cards)
        self._picture_bytes_max = picture_bytes_max

    @property
    def at_once(self) -> None:
        """Somebody else's machine."""
        return None

    def models(self) -> Sequence[ModelCard]:
        return self._cards

    async def submit(self, request: RenderRequest, watch: Watch) -> Rendered:
        who = self._transport.who
        # A segment of dots alone would be taken for the folder above, even percent-encoded.
        words = request.prompt.text if request.prompt.text.strip(".") else "… "
        address = f"/prompt/{quote(words, safe='')}?" + urlencode(
            {
                "model": request.model.provider_model,
                "width": request.width,
                "height": request.height,
                # Without one everybody who asks the same gets the same stored picture.
                "seed": request.seed,
                "nologo": "true",
                "private": "true",
            }
        )
        if len(address) > ADDRESS_BYTES_MAX:
            raise NotAsked(f"The prompt is too long for {who}: shorten it.")
        async with self._transport.asking(
            "GET", address, within_s=request.model.timeout_s
        ) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            body = await self._transport.read(response, bytes_max=self._picture_bytes_max)
        if not kind.startswith("image/"):
            raise self._not_a_picture(kind, body)
        data = checked_picture(body, who)
        got = sniff_format(data)
        adjustments = []
        if got != request.format:
            adjustments.append(f"{who} made a {str(got).upper()}, as it always does.")
        return Rendered(data=data, seed=request.seed, adjustments=tuple(adjustments))

    async def collect(self, ticket: Ticket, watch: Watch) -> Rendered:
        raise OutcomeUnknown(f"{self._transport.who} keeps no picture that could be collected.")

    async def find(self, request: RenderRequest) -> None:
        return None  # it keeps no record that could be asked for

    async def cancel(self, ticket: Ticket) -> None:
        """They finish what they began, whoever listens."""

    async def close(self) -> None:
        await self._transport.close()

    def _not_a_picture(self, kind: str, body: bytes) -> ProviderError:
        """They have answered 200 with an error inside, or with a page of HTML."""
        who = self._transport.who
        status = _status_inside(body) if kind == "application/json" else None
        if status is not None:
            return failure(who, status, {}, body, secrets=self._transport.secrets)
        return InvalidOutput(f"{who} answered {kind or 'something unnamed'} instead of a picture.")


def _status_inside(body: bytes) -> int | None:
    """The status an error body names, 500 if it names none, None if it is no error body."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or "error" not in said:
        return None
    status = said.get("status")
    return status if isinstance(status, int) and 400 <= status < 600 else 500
