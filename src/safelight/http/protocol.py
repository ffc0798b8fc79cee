"""A connection that speaks HTTP: how long the part before a body may be, and how to end it."""

from __future__ import annotations

import socket
import struct
import sys
from http import HTTPStatus
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

URL_BYTES_MAX = 8 * 1024
HEADERS_BYTES_MAX = 16 * 1024
HANG_UP = "safelight.hang_up"
_AROUND_A_HEADER = len(": \r\n")
_METHOD_AND_VERSION = 100
_AT_ONCE = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # a struct linger


class _TooLong(Exception):
    """Ends the parsing; what is answered is known by then."""


def server_config(app: ASGIApp, **more: Any) -> uvicorn.Config:
    """How uvicorn serves the application; our own layers do the logging, the headers and the
    proxies. more: what else uvicorn is told, such as a port."""
    return uvicorn.Config(
        app,
        lifespan="off",
        loop="none",
        http=BoundedProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        **more,
    )


class BoundedProtocol(HttpToolsProtocol):
    """Keeps no more of a request's head than it may have; the parser itself knows no limit. The
    application is told how it can hang up, with what was not sent yet: a reader that takes nothing
    would keep its connection for ever, since closing waits for him."""

    _refusal: tuple[HTTPStatus, str] | None = None
    _in_head = False
    _url_bytes = _headers_bytes = _unfinished_bytes = 0

    def data_received(self, data: bytes) -> None:
        was_in_head = self._in_head
        super().data_received(data)
        # A header is told when it is complete: one that never ends is noticed by what was sent.
        if was_in_head and self._in_head and self._refusal is None:
            self._unfinished_bytes += len(data)
            if self._unfinished_bytes > URL_BYTES_MAX + HEADERS_BYTES_MAX + _METHOD_AND_VERSION:
                self._refuse_headers()
                self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: {"now": self._hang_up}}
        self._in_head = True
        self._url_bytes = self._headers_bytes = self._unfinished_bytes = 0

    def on_url(self, url: bytes) -> None:
        self._url_bytes += len(url)
        if self._url_bytes > URL_BYTES_MAX:
            self._refusal = (
                HTTPStatus.REQUEST_URI_TOO_LONG,
                f"An address may have at most {URL_BYTES_MAX:,} bytes.",
            )
            raise _TooLong
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers_bytes += len(name) + len(value) + _AROUND_A_HEADER
        if self._headers_bytes > HEADERS_BYTES_MAX:
            self._refuse_headers()
            raise _TooLong
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Called for everything that cannot be parsed."""
        status, sentence = self._refusal or (HTTPStatus.BAD_REQUEST, msg)
        body = sentence.encode()
        self.transport.write(
            f"HTTP/1.1 {status.value} {status.phrase}\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n"
            "Connection: close\r\n\r\n".encode()
            + body
        )
        self.transport.close()

    def _refuse_headers(self) -> None:
        self._refusal = (
            HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
            f"Headers may have at most {HEADERS_BYTES_MAX:,} bytes together.",
        )

    def _hang_up(self) -> None:
        """With a reset: after a goodbye the kernel would go on offering what nobody takes."""
        self.transport.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE
        )
        self.transport.abort()


def hang_up(scope: Scope) -> None:
    """End the connection of this request at once."""
    scope["extensions"][HANG_UP]["now"]()
