"""No other module opens connections: whoever wants to ask somebody over HTTP asks `egress`.

The database is not asked over HTTP and is left out. What counts as opening one is in `FORBIDDEN`;
the few who may, and why, in `MAY`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "safelight"

# Modules that are of use for nothing but asking others.
FORBIDDEN_MODULES = {
    *("aiohttp", "anyio", "boto3", "botocore", "curl_cffi", "ftplib", "grpc", "h11", "h2"),
    *("http.client", "http.cookiejar", "httpcore", "httpcore2", "httplib2", "httpx", "imaplib"),
    *("niquests", "nntplib", "obstore", "openai", "paramiko", "poplib", "pycurl", "pydantic_ai"),
    *("requests", "smtplib", "socks", "telnetlib", "trio", "urllib3", "webbrowser", "websockets"),
    *("xmlrpc.client", "authlib.integrations.httpx_client", "authlib.integrations.requests_client"),
}
# Names that connect, in modules that are of use for other things too.
FORBIDDEN = {
    *(
        f"httpx2.{name}"
        for name in ("AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport")
    ),
    *(f"httpx2.{name}" for name in ("get", "options", "head", "post", "put", "patch", "delete")),
    *(f"httpx2.{name}" for name in ("request", "stream", "SSEClient", "AsyncBaseTransport")),
    *("urllib.request.urlopen", "urllib.request.urlretrieve", "urllib.request.build_opener"),
    *("urllib.request.Request", "urllib.request.OpenerDirector", "urllib.request.URLopener"),
    *("socket.socket", "socket.create_connection", "socket.SocketType", "socket.socketpair"),
    *("asyncio.open_connection", "asyncio.open_unix_connection"),
}
# Methods of objects that nobody has to import.
FORBIDDEN_METHODS = {
    "create_connection",
    "create_datagram_endpoint",
    "create_unix_connection",
    "sock_connect",
    "start_tls",
    "urlopen",
}

# file: what it may use, and why.
MAY = {
    "egress/": {
        *("httpcore2", "httpx2.AsyncClient", "httpx2.AsyncHTTPTransport"),  # this is the way out
        "socket.socket",  # asks the routing table for the own address; sends nothing
    },
    # The command line runs at its user's, and asks the server that he names.
    "cli/client.py": {"httpx2.Client", "httpx2.get", "socket.socket"},
    # Listens, and looks whether somebody else does already.
    "cli/serve.py": {"socket.socket"},
    # Both are handed the guarded client; the test below sees to it.
    "providers/openai_text.py": {"openai", "pydantic_ai"},
    # Object storage: only where the operator's settings say, never to a URL from outside.
    "images/store.py": {"obstore"},
}


def uses(source: str) -> Iterator[tuple[int, str]]:
    """What of the forbidden a module uses, and in which line. A type that is only written down as
    one, such as `client: httpx2.AsyncClient`, opens nothing."""
    tree = ast.parse(source)
    stands_for: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, found) for found in _imports(node, stands_for))
    only_types = _annotations(tree)
    for node in ast.walk(tree):
        if node in only_types:
            continue
        if isinstance(node, ast.Attribute):
            whole = _dotted(node, stands_for)
            if whole in FORBIDDEN:
                yield node.lineno, whole
            elif node.attr in FORBIDDEN_METHODS:
                yield node.lineno, f".{node.attr}"
        elif isinstance(node, ast.Call) and _dotted(node.func, stands_for) in _IMPORTERS:
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if name is None or _module(str(name)) or _opens(str(name)):
                yield node.lineno, f"import of {name or 'anything'}"


_IMPORTERS = {"__import__", "importlib.import_module"}


def _imports(node: ast.Import | ast.ImportFrom, stands_for: dict[str, str]) -> Iterator[str]:
    """What of the forbidden is imported; notes under which names things are known from here on."""
    inside = f"{node.module}." if isinstance(node, ast.ImportFrom) and not node.level else ""
    for alias in node.names:
        whole = inside + alias.name
        if inside or alias.asname:
            stands_for[alias.asname or alias.name] = whole
        if found := _module(whole):
            yield found
        if whole in FORBIDDEN or (alias.name == "*" and _opens(inside.rstrip("."))):
            yield whole


def _annotations(tree: ast.AST) -> set[ast.AST]:
    roots: list[ast.AST | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            roots.append(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            roots.append(node.returns)
    return {inner for root in roots if root for inner in ast.walk(root)}


def _module(name: str) -> str | None:
    parts = name.split(".")
    heads = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
    return next((head for head in heads if head in FORBIDDEN_MODULES), None)


def _opens(module: str) -> bool:
    return any(name.startswith(f"{module}.") for name in FORBIDDEN)


def _dotted(node: ast.AST, called: dict[str, str]) -> str:
    match node:
        case ast.Name(id=name):
            return called.get(name, name)
        case ast.Attribute(value=value, attr=attr):
            return f"{_dotted(value, called)}.{attr}"
        case _:
            return "…"


def may(file: str) -> set[str]:
    return set().union(*(names for place, names in MAY.items() if file.startswith(place)))


FILES = sorted(str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py"))


def test_nobody_but_egress_opens_connections() -> None:
    found = [
        f"{file}:{line} uses {name}: ask safelight.egress.client for a client instead"
        for file in FILES
        for line, name in uses((SOURCE / file).read_text())
        if name not in may(file)
    ]

    assert not found, "\n".join(found)


def test_nothing_is_allowed_that_nobody_uses() -> None:
    unused = {
        (place, name)
        for place, names in MAY.items()
        for name in names
        if not any(
            name == used
            for file in FILES
            if file.startswith(place)
            for _, used in uses((SOURCE / file).read_text())
        )
    }

    assert not unused


def test_the_openai_client_is_handed_ours() -> None:
    tree = ast.parse((SOURCE / "providers" / "openai_text.py").read_text())
    made = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id.startswith(("AsyncOpenAI", "OpenAI", "OpenAICompatibleProvider"))
    ]

    given = {
        node.func.id: {word.arg: ast.unparse(word.value) for word in node.keywords}
        for node in made
        if isinstance(node.func, ast.Name)
    }
    assert given["AsyncOpenAI"]["http_client"] == "transport.plain_client"
    assert given["OpenAIProvider"]["openai_client"] == "client"
    assert given["OpenAICompatibleProvider"]["openai_client"] == "client"


@pytest.mark.parametrize(
    "source",
    [
        "import requests",
        "import httpx",
        "from httpx import AsyncClient",
        "import aiohttp.client",
        "import httpx2; httpx2.AsyncClient()",
        "import httpx2\nclass Mine(httpx2.AsyncHTTPTransport): ...",
        "import httpx2 as h; h.get('x')",
        "from httpx2 import Client",
        "from httpx2 import *",
        "from urllib import request; request.urlopen('x')",
        "from urllib.request import urlopen as u",
        "import urllib.request; urllib.request.urlopen('x')",
        "import urllib.request as r; r.build_opener()",
        "import socket; socket.create_connection(('x', 1))",
        "from socket import socket",
        "import asyncio; asyncio.open_connection('x', 1)",
        "from asyncio import open_connection",
        "async def f(loop): await loop.create_connection(None, 'x', 1)",
        "import http.client",
        "from http import client",
        "def f(): import requests",
        "__import__('requests')",
        "import importlib; importlib.import_module('urllib.request')",
        "import importlib; importlib.import_module(name)",
    ],
)
def test_every_other_way_out_is_noticed(source: str) -> None:
    assert list(uses(source))


@pytest.mark.parametrize(
    "source",
    [
        "import httpx2\ndef f(r: httpx2.Response) -> httpx2.URL: raise httpx2.InvalidURL",
        "import httpx2\nclient: dict[str, httpx2.AsyncClient] = {}",
        "from urllib.parse import quote",
        "from urllib.request import url2pathname",
        "import socket; socket.gethostname()",
        "import asyncio; asyncio.start_server(None)",
        "requests = queue.get(); requests.post()",
    ],
)
def test_what_opens_nothing_is_left_alone(source: str) -> None:
    assert not list(uses(source))
