"""People who register, log in, forget their passwords and come by another site's word: what they
show and are given are secrets, and what they get wrong is told to nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import httpx2

from tests.http.people import Person

_SHOWN_ONCE = ("/api/keys", "/api/admin/invites", "/reset")


class Door(Protocol):
    client: httpx2.AsyncClient

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response: ...


def without_gifts(method: str, path: str, answer: httpx2.Response) -> str:
    """What is to be searched of an answer: all of it but the place where it hands its owner a new
    secret, which is the cookie of a session, or a key or code that is shown this once."""
    headers, text = dict(answer.headers), answer.text
    if path.startswith("/api/auth/"):
        headers.pop("set-cookie", None)
    if method == "POST" and answer.status_code == 201 and path.endswith(_SHOWN_ONCE):
        text = ""
    return f"{answer.status_code} {headers} {text}"


async def come_and_go(door: Door, admin: Person, secret: Callable[[str], str]) -> dict[str, str]:
    """Everything that is done with passwords, sessions and codes, right and wrong. Returns the
    secrets by their names."""
    known = {name: secret(name) for name in ("password", "second-password", "wrong-password")}
    email = f"{uuid4().hex}@example.org"

    async def post(path: str, **body: str) -> httpx2.Response:
        return await door.request("POST", f"/api/auth/{path}", json=body)

    def keep(name: str) -> None:
        known[name] = door.client.cookies["sid"]

    user = (await post("register", email=email, password=known["password"])).json()["id"]
    keep("session of who registered")
    await post("register", email=email, password=known["second-password"])
    await post("register", email=known["password"], password="short")
    await post("login", email=email, password=known["wrong-password"])
    await post("login", email=known["wrong-password"], password=known["wrong-password"])
    await post("login", email=email, password=known["password"])
    keep("session of who logged in")
    await post("confirm", password=known["wrong-password"])
    await post("confirm", password=known["password"])
    keep("session of who was confirmed")
    await door.request("GET", "/api/auth/sessions")
    await door.request("GET", "/api/me")
    await post("password", password=known["password"], new_password=known["second-password"])
    keep("session after the password was changed")
    await post("logout")
    ended = known["session of who logged in"]
    await door.request("GET", "/api/me", headers={"Cookie": f"sid={ended}"})

    made = await admin.ask("POST", f"/api/admin/users/{user}/reset")
    known["reset code"] = made.json()["code"]
    await post("reset", code=known["reset code"][::-1], password=known["password"])
    await post("reset", code=known["reset code"], password=known["password"])
    keep("session after a reset")
    known["invite"] = (await admin.ask("POST", "/api/admin/invites", json={})).json()["code"]
    await admin.ask("GET", "/api/admin/invites")
    await admin.ask("GET", "/api/admin/users")
    door.client.cookies.clear()

    for change in ("state=x", "state="):  # the first is not the one that was sent along
        away = await door.request("GET", "/api/auth/oidc/house")
        back = (await door.client.get(away.headers["location"])).headers["location"]
        known[f"code of the issuer, {change}"] = back.partition("code=")[2].partition("&")[0]
        path = f"{urlsplit(back).path}?{urlsplit(back).query}"
        await door.request("GET", path.replace("state=", change))
    keep("session of who came from elsewhere")
    await door.request("GET", path)  # it was used
    await door.request("GET", "/api/me")
    door.client.cookies.clear()
    return known
