"""Who was sent to another site to log in there: remembered until he is back, once."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID

from safelight.database.pool import Database
from safelight.values.ids import OwnerId

LASTS_S = 600


@dataclass(frozen=True, slots=True)
class Transaction:
    """One login at another site. code: an invite. user_id: who was logged in here when he left."""

    provider: str
    state: str
    nonce: str
    verifier: str
    code: str | None
    next: str
    user_id: OwnerId | None


async def begin(
    database: Database, provider: str, *, code: str | None, next_: str, user_id: OwnerId | None
) -> tuple[Transaction, str]:
    """A new one, and the value of the cookie that its browser keeps."""
    token = secrets.token_urlsafe(32)
    begun = Transaction(
        provider=provider,
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        code=code,
        next=next_,
        user_id=user_id,
    )
    await database.execute(
        """INSERT INTO oidc_transactions
               (sha256, provider, state, nonce, verifier, code, next, user_id)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        _digest(token),
        begun.provider,
        begun.state,
        begun.nonce,
        begun.verifier,
        begun.code,
        begun.next,
        begun.user_id,
    )
    return begun, token


async def end(database: Database, token: str) -> Transaction | None:
    """The transaction of this cookie, this once. None: there is none, or it took too long."""
    row = await database.fetchrow(
        """DELETE FROM oidc_transactions WHERE sha256 = $1
           RETURNING provider, state, nonce, verifier, code, next, user_id,
                     created_at > now() - make_interval(secs => $2) AS lasts""",
        _digest(token),
        LASTS_S,
    )
    if row is None or not row["lasts"]:
        return None
    facts = {name: value for name, value in row.items() if name != "lasts"}
    if facts["user_id"] is not None:
        facts["user_id"] = OwnerId(UUID(int=facts["user_id"].int))
    return Transaction(**facts)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
