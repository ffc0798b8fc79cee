"""Serves the built browser studio: its files, and its page for every address that is a page.

Called last when the app is put together: it takes what no other route wants. The files (about
1 MB) are read once at start, so a request is a look in a dictionary: no disk, no path to escape
from, and an update of the package under a running server cannot mix two versions.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).parent.parent / "static"

# Addresses of programs: an unknown one is their 404, never the studio's page.
NOT_PAGES = frozenset(
    {"api", "media", "v1", "docs", "redoc", "openapi.json", "healthz", "readyz", "metrics"}
)
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".txt": "text/plain; charset=utf-8",
}
# The name carries the content's hash, so it can be kept for ever.
FOR_EVER = "public, max-age=31536000, immutable"
ASK_FIRST = "no-cache"

NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Safelight</title>
<h1>The studio is not built</h1>
<p>The API works (<a href="/docs">/docs</a>); the web pages are not in this installation.</p>
<p>In a checkout, <code>python hatch_build.py</code> builds them; then start the server again.
An installation made with <code>SAFELIGHT_SKIP_STUDIO=1</code> has none.</p>
"""


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file as it is sent: `bodies` by content coding, "" being the file itself."""

    content_type: str
    cache_control: str
    etag: str
    bodies: Mapping[str, bytes]


class StudioRoute(BaseRoute):
    """Matches GET and HEAD of everything that is not a program's address.

    Not an ordinary catch-all route: that would turn 405 into 404, or 404 into 405, for the API.
    """

    def __init__(self, files: Mapping[str, StaticFile], csp: str) -> None:
        self.files = files
        self.csp = csp

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            return Match.NONE, {}
        first = scope["path"].lstrip("/").split("/", 1)[0]
        return (Match.NONE if first in NOT_PAGES else Match.FULL), {}

    def url_path_for(self, name: str, /, **path_params: object) -> str:  # type: ignore[override]
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = self.answer(Request(scope))
        await response(scope, receive, send)

    def answer(self, request: Request) -> Response:
        path = request.url.path.lstrip("/")
        if not self.files:
            return HTMLResponse(NOT_BUILT, 503, headers={"Cache-Control": "no-store"})
        if path.startswith("assets/") and path not in self.files:
            # The page instead would be run as a script or drawn as a font.
            return Response("Not found", 404, media_type="text/plain")
        name = path if path in self.files else "index.html"
        file = self.files[name]
        headers = {
            "Cache-Control": file.cache_control,
            "ETag": file.etag,
            "Vary": "Accept-Encoding",
        }
        if name == "index.html":
            headers["Content-Security-Policy"] = self.csp
        if request.headers.get("if-none-match") == file.etag:
            return Response(status_code=304, headers=headers)
        coding = choose_coding(request.headers.get("accept-encoding", ""), file.bodies)
        if coding:
            headers["Content-Encoding"] = coding
        return Response(file.bodies[coding], headers=headers, media_type=file.content_type)


def add_studio(app: FastAPI, static: Path = STATIC, image_origins: Sequence[str] = ()) -> None:
    """Let `app` show the studio. `image_origins`: where pictures come from besides this host."""
    files = read_files(static) if (static / "index.html").is_file() else {}
    page = files["index.html"].bodies[""].decode() if files else ""
    app.router.routes.append(StudioRoute(files, page_csp(page, image_origins)))


def read_files(static: Path) -> dict[str, StaticFile]:
    files: dict[str, StaticFile] = {}
    for path in static.rglob("*"):
        if not path.is_file() or path.suffix not in CONTENT_TYPES or path.name.startswith("."):
            continue
        name, body = path.relative_to(static).as_posix(), path.read_bytes()
        squeezed = {
            coding: other.read_bytes()
            for coding, ending in (("br", ".br"), ("gzip", ".gz"))
            if (other := path.with_name(path.name + ending)).is_file()
        }
        files[name] = StaticFile(
            content_type=CONTENT_TYPES[path.suffix],
            cache_control=FOR_EVER if name.startswith("assets/") else ASK_FIRST,
            # Weak: the squeezed bodies share it.
            etag=f'W/"{hashlib.sha256(body).hexdigest()[:20]}"',
            bodies={"": body, **squeezed},
        )
    return files


def choose_coding(accept: str, bodies: Mapping[str, bytes]) -> str:
    """The smallest body the browser can read: br, gzip or as it is."""
    accepted = set()
    for part in accept.lower().split(","):
        coding, _, quality = part.partition(";")
        if not re.fullmatch(r"\s*q\s*=\s*0(\.0*)?\s*", quality):
            accepted.add(coding.strip())
    return next(
        (coding for coding in ("br", "gzip") if coding in accepted and coding in bodies), ""
    )


def page_csp(page: str, image_origins: Sequence[str]) -> str:
    """What the page may load and run. Its one inline script (the theme) is named by its hash."""
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    ]
    return "; ".join(
        [
            "default-src 'none'",
            " ".join(["script-src 'self'", *hashes]),
            "style-src 'self'",
            # Computed sizes (a frame's ratio, a bar's length) are style attributes.
            "style-src-attr 'unsafe-inline'",
            " ".join(["img-src 'self' blob: data:", *image_origins]),
            "connect-src 'self'",
            "font-src 'self'",
            "manifest-src 'self'",
            "worker-src 'self'",
            "base-uri 'none'",
            "object-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ]
    )
