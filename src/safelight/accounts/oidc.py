"""Logging in with another site's word: OpenID Connect, the authorization code flow with PKCE.

What that site answers is untrusted until its ID token has been verified: signed by a key of the
configured issuer, for us, for this very login, not expired. A mix-up of two sites ends at the
issuer, a replay at the transaction, which is used once.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx2
import orjson
import structlog
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from safelight.accounts.joining import Identity
from safelight.accounts.oidc_transactions import Transaction
from safelight.egress.client import AnswerTooLarge
from safelight.values.errors import NotFound, Overloaded, Unauthenticated

# Signatures with a key that only the issuer has. `none` is no signature, and HS256's key is known
# to whoever has the client's secret.
_ALGORITHMS = ("RS256", "ES256")
_BASIC = "client_secret_basic"
_SCOPE = "openid email profile"
_ANSWER_S = 10.0
_KEPT_S = 3600.0  # how long what an issuer says of itself is believed without asking again
_KEYS_AGAIN_S = 30.0  # how soon its keys are asked for again because of an unknown one
_LEEWAY_S = 60  # how far the clocks of two sites may be apart
_SUBJECT_CHARS_MAX = 255

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OidcClient:
    """What we are at an issuer."""

    issuer: str
    client_id: str
    client_secret: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """Who somebody is there. email: only one that the issuer has verified."""

    identity: Identity
    email: str | None
    name: str | None


class LoginRefused(Unauthenticated):
    """The other site did not say who this is, or not so that it can be believed. The reason is in
    the log: whoever tries to get around it need not be told."""

    def __init__(self) -> None:
        super().__init__("That login did not work. Begin it again.")


class OidcProvider:
    """One issuer."""

    def __init__(
        self, name: str, client: OidcClient, open_client: Callable[[str], httpx2.AsyncClient]
    ) -> None:
        self.name = name
        self._client = client
        self._open = open_client
        self._rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY_S,
            iss={"essential": True, "value": client.issuer},
            aud={"essential": True, "value": client.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True},
        )
        self._about: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._asking = asyncio.Lock()

    async def departure(self, transaction: Transaction, redirect_uri: str) -> str:
        """Where to send the browser. Raises: Overloaded."""
        about = await self._metadata()
        challenge = hashlib.sha256(transaction.verifier.encode()).digest()
        wanted = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": redirect_uri,
            "scope": _SCOPE,
            "state": transaction.state,
            "nonce": transaction.nonce,
            "code_challenge": urlsafe_b64encode(challenge).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        endpoint = about["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(wanted)}"

    async def arrival(
        self, transaction: Transaction, query: Mapping[str, str], redirect_uri: str
    ) -> Person:
        """Who came back, by what his browser brought along. Raises: LoginRefused, Overloaded."""
        if not hmac.compare_digest(query.get("state", "").encode(), transaction.state.encode()):
            raise _refused(self.name, "another state")
        if query.get("iss", self._client.issuer) != self._client.issuer:
            raise _refused(self.name, "an answer of another issuer")
        if "code" not in query:
            raise _refused(self.name, f"no code: {query.get('error', '')[:100]}")
        token = await self._id_token(query["code"], transaction.verifier, redirect_uri)
        return _person(await self._claims(token, transaction.nonce))

    async def _id_token(self, code: str, verifier: str, redirect_uri: str) -> str:
        about = await self._metadata()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
            "client_id": self._client.client_id,
        }
        headers = {}
        if self._client.client_secret:
            ways = about.get("token_endpoint_auth_methods_supported") or [_BASIC]
            if _BASIC in ways:
                headers["Authorization"] = _basic(
                    self._client.client_id, self._client.client_secret
                )
            else:
                form["client_secret"] = self._client.client_secret
        answer = await self._ask("POST", about["token_endpoint"], data=form, headers=headers)
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise _refused(self.name, f"no ID token: {str(answer.get('error'))[:100]}")
        return token

    async def _claims(self, token: str, nonce: str) -> dict[str, Any]:
        """What a verified ID token says."""
        try:
            try:
                decoded = jwt.decode(token, await self._key_set(), algorithms=_ALGORITHMS)
            except InvalidKeyIdError:  # perhaps a key that is new there
                keys = await self._key_set(fresh=True)
                decoded = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            self._rules.validate(decoded.claims)
        except (JoseError, ValueError, RecursionError) as error:
            raise _refused(self.name, f"an ID token: {error}") from None
        claims: dict[str, Any] = decoded.claims
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise _refused(self.name, "another nonce")
        if len(claims["sub"]) > _SUBJECT_CHARS_MAX or "\0" in claims["sub"]:
            raise _refused(self.name, "a subject nobody can have")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if several and claims.get("azp") != self._client.client_id:
            raise _refused(self.name, "a token for several, given to another one")
        return claims

    async def _metadata(self) -> dict[str, Any]:
        """What the issuer says of itself."""
        async with self._asking:
            if self._about is None or time.monotonic() > self._about[0]:
                issuer = self._client.issuer
                place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
                about = await self._ask("GET", place)
                if about.get("issuer") != issuer:
                    raise _refused(self.name, "another issuer answers there")
                for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                    if not _is_safe(about.get(name), issuer):
                        raise _refused(self.name, f"{name} is no https address")
                self._about = (time.monotonic() + _KEPT_S, about)
            return self._about[1]

    async def _key_set(self, *, fresh: bool = False) -> KeySet:
        about = await self._metadata()
        async with self._asking:
            age_s = time.monotonic() - self._keys[0] if self._keys else float("inf")
            if age_s > (_KEYS_AGAIN_S if fresh else _KEPT_S):
                found = await self._ask("GET", about["jwks_uri"])
                try:
                    keys = KeySet.import_key_set({"keys": found["keys"]})
                except (JoseError, ValueError, KeyError, TypeError):
                    raise _refused(self.name, "its keys cannot be read") from None
                self._keys = (time.monotonic(), keys)
            assert self._keys is not None
            return self._keys[1]

    async def _ask(self, method: str, url: str, **options: Any) -> dict[str, Any]:
        """A JSON object. Raises: Overloaded when there is no answer, LoginRefused."""
        try:
            async with (
                asyncio.timeout(_ANSWER_S),
                self._open(self._client.issuer) as client,
            ):
                answer = await client.request(method, url, **options)
        except AnswerTooLarge as error:
            raise _refused(self.name, str(error)) from None
        except (httpx2.HTTPError, TimeoutError) as error:
            log.warning("a login provider cannot be reached", name=self.name, error=repr(error))
            raise Overloaded(f"{self.name} does not answer; try again later.", 5) from None
        if answer.status_code >= 500:
            raise Overloaded(f"{self.name} has a problem; try again later.", 5)
        try:
            found = orjson.loads(answer.content)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise _refused(self.name, f"no JSON object, status {answer.status_code}")
        return found


def _person(claims: Mapping[str, Any]) -> Person:
    email, name = claims.get("email"), claims.get("name")
    verified = claims.get("email_verified")
    is_verified = verified is True or verified == "true"  # some issuers write it as text
    return Person(
        Identity(claims["iss"], claims["sub"]),
        email if is_verified and isinstance(email, str) else None,
        name if isinstance(name, str) and name.strip() else None,
    )


def _basic(client_id: str, secret: str) -> str:
    """RFC 6749, 2.3.1: both parts are written as in a form first."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _is_safe(url: object, issuer: str) -> bool:
    """Whether an issuer's address can be used: https, or http where the issuer's own is."""
    return isinstance(url, str) and urlsplit(url).scheme in ("https", urlsplit(issuer).scheme)


def _refused(name: str, why: str) -> LoginRefused:
    log.warning("a login at another site was refused", name=name, why=why)
    return LoginRefused()


class Oidc:
    """The configured issuers by name."""

    def __init__(
        self, clients: Mapping[str, OidcClient], open_client: Callable[[str], httpx2.AsyncClient]
    ) -> None:
        self._providers = {
            name: OidcProvider(name, client, open_client) for name, client in clients.items()
        }

    @property
    def names(self) -> list[str]:
        return list(self._providers)

    def provider(self, name: str) -> OidcProvider:
        """Raises: NotFound."""
        if name not in self._providers:
            raise NotFound("login")
        return self._providers[name]
