"""A fake OpenID Connect issuer: discovery, authorization, token and keys, as RFC 6749, RFC 7636 and
OpenID Connect Core have them. Whoever asks for authorization is logged in at once; `mischief` says
what it does wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from tests.fakes.server import Answer, Call, Fake

CLIENT_ID = "safelight&co"
CLIENT_SECRET = "of the client: 50 % + more"


@dataclass
class Account:
    """Who is logged in there."""

    subject: str = "s-1"
    email: str | None = "ada@example.org"
    email_verified: Any = True
    name: str | None = "Ada"


@dataclass
class _Grant:
    query: dict[str, str]
    account: Account
    used: bool = False


@dataclass
class Mischief:
    """claims: changes those of the ID token. token: signs in another way. metadata: what it says of
    itself instead."""

    claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
    token: Callable[[FakeOidc, dict[str, Any]], str] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    takes_codes_twice: bool = False


class FakeOidc(Fake):
    """One issuer."""

    def __init__(self, *, algorithm: str = "RS256") -> None:
        super().__init__()
        self.algorithm = algorithm
        self.key = self.new_key()
        self.account = Account()
        self.mischief = Mischief()
        self.grants: dict[str, _Grant] = {}
        self.key_requests = 0

    def new_key(self) -> RSAKey | ECKey:
        kid = secrets.token_hex(4)
        if self.algorithm == "ES256":
            return ECKey.generate_key("P-256", {"kid": kid})
        return RSAKey.generate_key(2048, {"kid": kid})

    def answer(self, call: Call) -> Answer:
        match call.path:
            case "/.well-known/openid-configuration":
                return Answer.of(self._metadata() | self.mischief.metadata)
            case "/keys":
                self.key_requests += 1
                return Answer.of({"keys": [self.key.as_dict(private=False)]})
            case "/authorize":
                return self._authorize(call)
            case "/token" if call.method == "POST":
                return self._token(call)
        return Answer.of({"error": "not_found"}, 404)

    def _metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize?fake=1",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def _authorize(self, call: Call) -> Answer:
        query = {name: values[0] for name, values in parse_qs(call.query).items()}
        needed = ("state", "nonce", "code_challenge", "redirect_uri")
        good = (
            query.get("response_type") == "code"
            and query.get("client_id") == CLIENT_ID
            and query.get("code_challenge_method") == "S256"
            and "openid" in query.get("scope", "").split()
            and all(query.get(name) for name in needed)
        )
        if not good:
            return Answer.of({"error": "invalid_request"}, 400)
        code = secrets.token_urlsafe(16)
        self.grants[code] = _Grant(query, self.account)
        back = urlencode({"code": code, "state": query["state"], "iss": self.url})
        return Answer.of({}, 302, Location=f"{query['redirect_uri']}?{back}")

    def _token(self, call: Call) -> Answer:
        scheme, _, pair = call.headers.get("authorization", "").partition(" ")
        known = [unquote_plus(part) for part in b64decode(pair).decode().split(":")]
        if scheme != "Basic" or known != [CLIENT_ID, CLIENT_SECRET]:
            return Answer.of({"error": "invalid_client"}, 401)
        form = {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
        grant = self.grants.get(form.get("code", ""))
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = _base64(verifier)
        if (
            grant is None
            or (grant.used and not self.mischief.takes_codes_twice)
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != grant.query["redirect_uri"]
            or challenge != grant.query["code_challenge"]
        ):
            return Answer.of({"error": "invalid_grant"}, 400)
        grant.used = True
        claims = self.mischief.claims(self._claims(grant))
        sign = self.mischief.token or FakeOidc.sign
        return Answer.of(
            {"access_token": "x", "token_type": "Bearer", "id_token": sign(self, claims)}
        )

    def _claims(self, grant: _Grant) -> dict[str, Any]:
        now, account = int(time.time()), grant.account
        claims = {
            "iss": self.url,
            "sub": account.subject,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": grant.query["nonce"],
            "email": account.email,
            "email_verified": account.email_verified,
            "name": account.name,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, claims, self.key)

    def sign_with_another_key(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, claims, self.new_key())

    def sign_with_the_clients_secret(self, claims: dict[str, Any]) -> str:
        key = OctKey.import_key(CLIENT_SECRET)
        return jwt.encode({"alg": "HS256", "kid": self.key.kid}, claims, key, algorithms=["HS256"])

    def sign_with_the_public_key_as_a_secret(self, claims: dict[str, Any]) -> str:
        # By hand: a library that is worth it refuses to.
        parts = ({"alg": "HS256", "kid": self.key.kid}, claims)
        signed = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        key = self.key.as_pem(private=False)
        return f"{signed}.{_base64(hmac.digest(key, signed.encode(), 'sha256'))}"

    def do_not_sign(self, claims: dict[str, Any]) -> str:
        token = jwt.encode({"alg": self.algorithm, "kid": self.key.kid}, claims, self.key)
        head = _base64(b'{"alg":"none","typ":"JWT"}')
        return f"{head}.{token.split('.')[1]}."


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
