"""How a cookie is named and sent."""

from __future__ import annotations

from fastapi import Request

from safelight.http.edge import add_answer_header


class Cookie:
    """One of our cookies. Over HTTPS it has the prefix with which a browser takes it from this very
    host only; without, which is for this machine alone, the plain name."""

    def __init__(self, name: str, *, https: bool, lasts_s: int) -> None:
        self.name = f"__Host-{name}" if https else name
        self._terms = "Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if https else "")
        self._lasts_s = lasts_s

    def read(self, request: Request) -> str | None:
        return request.cookies.get(self.name)

    def send(self, request: Request, value: str) -> None:
        self._send(request, value, self._lasts_s)

    def clear(self, request: Request) -> None:
        self._send(request, "", 0)

    def _send(self, request: Request, value: str, lasts_s: int) -> None:
        cookie = f"{self.name}={value}; Max-Age={lasts_s}; {self._terms}"
        add_answer_header(request, "Set-Cookie", cookie)
