"""Who may do what: a row for every operation of the API, and what each kind of caller is answered.

To add a route, add its row. Rows of routes that are not there are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Needs = Literal["open", "any key", "jobs:read", "jobs:write", "assets:read", "whole key", "admin"]
Thing = Literal["job", "ended job", "asset", "key", "letter", "lane", "user"]
Ids = dict[str, str]  # the names in the path, and `owner`, `reference`

# Whoever has none of these sees no difference between another's and none. Lanes, letters and users
# are an administrator's, who may see all of them.
OWNED = ("job", "ended job", "asset", "key")


@dataclass(frozen=True)
class Row:
    """needs: what a caller must show. thing: what the path names. body: of a request that is right.
    ok: what whoever may do it is answered, or several of it. visitors: whether people without a
    key may, where they are let in at all. proof: whether a session must have proved lately whose
    it is."""

    needs: Needs
    thing: Thing | None = None
    ok: int | tuple[int, ...] = 200
    body: Callable[[Ids], dict[str, Any]] | None = None
    visitors: bool = True
    file: bool = False
    proof: bool = False


ROWS: dict[str, Row] = {
    "POST /api/jobs": Row("jobs:write", ok=202, body=lambda _: {"prompt": "a heron"}),
    "GET /api/jobs": Row("jobs:read"),
    "GET /api/jobs/{job_id}": Row("jobs:read", "job"),
    "DELETE /api/jobs/{job_id}": Row("jobs:write", "job"),
    "POST /api/jobs/{job_id}/retry": Row("jobs:write", "ended job", ok=202),
    "GET /api/jobs/{job_id}/events": Row("jobs:read", "job"),
    "GET /api/jobs/{job_id}/stream": Row("jobs:read", "job"),
    "GET /api/jobs/{job_id}/receipt": Row("jobs:read", "job"),
    "GET /api/events": Row("jobs:read"),
    "GET /api/assets": Row("assets:read"),
    "GET /api/assets/{asset_id}": Row("assets:read", "asset"),
    "PATCH /api/assets/{asset_id}": Row("jobs:write", "asset", body=lambda _: {"starred": True}),
    "DELETE /api/assets/{asset_id}": Row("jobs:write", "asset"),
    "POST /api/assets/{asset_id}/restore": Row("jobs:write", "asset"),
    # The signature is the permission; without one there is nothing, for nobody.
    "GET /media/{asset_id}/{name}": Row("open", "asset", ok=404),
    "GET /api/models": Row("any key"),
    "GET /api/styles": Row("any key"),
    "GET /api/stats": Row("jobs:read"),
    "GET /api/me": Row("any key"),
    "GET /api/credits": Row("jobs:read"),
    "GET /api/credits/ledger": Row("jobs:read"),
    "GET /api/keys": Row("whole key", visitors=False),
    "POST /api/keys": Row(
        "whole key", ok=201, body=lambda _: {"name": "new"}, visitors=False, proof=True
    ),
    "DELETE /api/keys/{key_id}": Row("whole key", "key", visitors=False),
    "POST /api/admin/grants": Row(
        "admin",
        ok=201,
        body=lambda ids: {"user": ids["owner"], "credits": 1, "reference": ids["reference"]},
        proof=True,
    ),
    # Nothing was charged for it yet, which is said only to whoever may ask.
    "POST /api/admin/refunds": Row(
        "admin",
        "job",
        ok=422,
        body=lambda ids: {"job": ids["job_id"], "reference": "x"},
        proof=True,
    ),
    "GET /api/admin/accounts": Row("admin"),
    "PUT /api/admin/accounts/{user}": Row(
        "admin", "user", body=lambda _: {"unlimited": False}, proof=True
    ),
    "GET /api/admin/queue": Row("admin"),
    "POST /api/admin/queue/{lane}/pause": Row("admin", "lane", body=lambda _: {"seconds": 1}),
    "POST /api/admin/queue/{lane}/resume": Row("admin", "lane"),
    "GET /api/admin/providers": Row("admin"),
    "GET /api/admin/models": Row("admin"),
    "GET /api/admin/dead-letters": Row("admin"),
    "POST /api/admin/dead-letters/replay": Row("admin", body=lambda _: {"code": "none such"}),
    "POST /api/admin/dead-letters/discard": Row("admin", body=lambda _: {"code": "none such"}),
    "GET /api/admin/dead-letters/{job_id}": Row("admin", "letter"),
    "DELETE /api/admin/dead-letters/{job_id}": Row("admin", "letter"),
    "POST /api/admin/dead-letters/{job_id}/replay": Row("admin", "letter", ok=202),
    "GET /healthz": Row("open"),
    "GET /readyz": Row("open"),
    # Uploads. These bytes are no picture, which is said to whoever may send one.
    "POST /api/assets": Row("jobs:write", ok=(415, 422), file=True),
    "POST /api/assets/{asset_id}/variations": Row("jobs:write", "asset", ok=(202, 409, 422)),
    # Logins. Without a field there is nothing to let in; a key has no session to confirm.
    "GET /api/auth/options": Row("open"),
    "POST /api/auth/register": Row("open", ok=422, body=dict),
    "POST /api/auth/login": Row("open", ok=422, body=dict),
    "POST /api/auth/reset": Row("open", ok=422, body=dict),
    "POST /api/auth/logout": Row("open"),
    "GET /api/auth/oidc/{name}": Row("open", ok=(404, 422)),
    "GET /api/auth/oidc/{name}/callback": Row("open", ok=(404, 422)),
    "POST /api/auth/confirm": Row("whole key", ok=(403, 422), body=lambda _: {"password": "wrong"}),
    "POST /api/auth/password": Row(
        "whole key",
        ok=(401, 403, 422, 429),
        body=lambda _: {"password": "wrong", "new_password": "and long enough to be one"},
        visitors=False,
    ),
    "GET /api/auth/sessions": Row("whole key", visitors=False),
    "DELETE /api/auth/sessions": Row("whole key", visitors=False),
    "DELETE /api/auth/sessions/{session_id}": Row("whole key", ok=404, visitors=False),
    "GET /api/admin/invites": Row("admin"),
    "POST /api/admin/invites": Row("admin", ok=(201, 422), body=dict, proof=True),
    "DELETE /api/admin/invites/{invite_id}": Row("admin", ok=404),
    "GET /api/admin/users": Row("admin"),
    "PATCH /api/admin/users/{user}": Row(
        "admin", "user", body=lambda _: {"limits": {"open_max": 1000}}, proof=True
    ),
    "POST /api/admin/users/{user}/reset": Row("admin", "user", ok=(200, 201, 404, 422), proof=True),
    # Leaving. Nobody is called “not me”, and these users are none.
    "DELETE /api/me": Row(
        "whole key", ok=422, body=lambda _: {"confirm": "?"}, visitors=False, proof=True
    ),
    "GET /api/me/export": Row("whole key", ok=(200, 429)),
    "DELETE /api/admin/users/{user_id}": Row("admin", ok=404, proof=True),
    "POST /api/admin/users/{user_id}/restore": Row("admin", ok=404, proof=True),
    "GET /api/admin/users/{user_id}/export": Row("admin", ok=404),
}


@dataclass(frozen=True)
class Principal:
    """Somebody who asks. whose: `owner` has what the paths name, `other` has not, `nobody` is not
    known here. scopes: of the key; None: a whole key. session: he comes in a browser instead, whose
    user has proved just now or long ago who he is."""

    name: str
    whose: Literal["owner", "other", "nobody"]
    scopes: tuple[str, ...] | None = None
    is_admin: bool = False
    is_disabled: bool = False
    is_visitor: bool = False
    session: Literal["proved", "old"] | None = None


SCOPES = ("jobs:read", "jobs:write", "assets:read", "admin")

# Where accounts are on and visitors are not let in.
USERS = (
    Principal("owner", "owner"),
    *(Principal(f"owner, key for {scope}", "owner", (scope,)) for scope in SCOPES),
    Principal("other user", "other"),
    *(Principal(f"other user, key for {scope}", "other", (scope,)) for scope in SCOPES),
    Principal("other user, key for all scopes", "other", SCOPES),
    Principal("administrator, whole key", "other", is_admin=True),
    Principal("administrator, key for admin", "other", ("admin",), is_admin=True),
    Principal("administrator, key for all scopes", "other", SCOPES, is_admin=True),
    Principal("disabled user", "other", is_disabled=True),
    Principal("disabled administrator", "other", SCOPES, is_admin=True, is_disabled=True),
    Principal("owner, logged in", "owner", session="proved"),
    Principal("owner, logged in long ago", "owner", session="old"),
    Principal("other user, logged in", "other", session="proved"),
    Principal("administrator, logged in", "other", is_admin=True, session="proved"),
    Principal("administrator, logged in long ago", "other", is_admin=True, session="old"),
    Principal("disabled user, logged in", "other", is_disabled=True, session="proved"),
    Principal("anonymous", "nobody"),
    Principal("session that was ended", "nobody"),
    Principal("session nobody has", "nobody"),
    Principal("revoked key", "nobody"),
    Principal("expired key", "nobody"),
    Principal("key nobody has", "nobody"),
    Principal("mistyped key", "nobody"),
)
# Where visitors are let in, nobody is unknown.
VISITORS = (
    Principal("visitor", "owner", is_visitor=True),
    Principal("another visitor", "other", is_visitor=True),
    Principal("visitor without a cookie", "other", is_visitor=True),
    Principal("visitor with a forged cookie", "other", is_visitor=True),
)


def expected(row: Row, who: Principal) -> int | tuple[int, ...]:  # noqa: PLR0911  (a table reads best in one piece)
    """The status of the answer, or those that it may have."""
    if row.needs == "open":
        return row.ok
    if who.whose == "nobody":
        return 401
    if who.is_disabled:
        return 403
    if row.needs == "admin" and not _administrates(who):
        return 403
    if row.proof and who.session == "old":
        return 403
    if row.needs == "admin":
        return row.ok
    if who.scopes is not None and row.needs != "any key" and row.needs not in who.scopes:
        return 403
    if who.is_visitor and not row.visitors:
        return 403
    if row.thing in OWNED and who.whose != "owner":
        return 404
    return row.ok


def _administrates(who: Principal) -> bool:
    """A key must say that it may; a session may whatever its user may."""
    return who.is_admin and (who.session is not None or "admin" in (who.scopes or ()))
