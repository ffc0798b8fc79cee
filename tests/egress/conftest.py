"""A small internet on this machine: names, public addresses that lead to a server here, and a
canary where everything else leads."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpcore2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from safelight.egress.client import Egress
from safelight.values.targets import Target
from tests.egress.vectors import NAMES, PUBLIC, PUBLIC_6

HOSTS = ("api.example", "cdn.example", "login.example")


class Canary:
    """Listens, and counts who comes. Nobody should."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._accepted: list[tuple[str, int]] = []
        self._came = threading.Condition()
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True, name="canary").start()

    def visitors(self) -> int:
        """Who has come so far. They are let in one after the other, so once a caller of our own is
        in, all before it are."""
        with socket.create_connection(("127.0.0.1", self.port)) as own:
            me = own.getsockname()
            with self._came:
                assert self._came.wait_for(lambda: me in self._accepted, 30)
                self._accepted.remove(me)
                return len(self._accepted)

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, address = self._socket.accept()
            except OSError:
                return
            connection.close()
            with self._came:
                self._accepted.append(address)
                self._came.notify_all()


class Network(httpcore2.AnyIOBackend):
    """The public addresses lead to our server, all others to the canary; `dead` ones answer nobody,
    `silent` ones never."""

    def __init__(self, server: int, canary: int) -> None:
        self._server, self._canary = server, canary
        self.dialled: list[tuple[str, int]] = []
        self.dead: set[str] = set()
        self.silent: set[str] = set()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        self.dialled.append((host, port))
        if host in self.dead:
            raise httpcore2.ConnectError("refused")
        if host in self.silent:
            await asyncio.Event().wait()
        to = self._server if host in (PUBLIC, PUBLIC_6) else self._canary
        return await super().connect_tcp("127.0.0.1", to, timeout)


class Dns:
    """Answers from a list, in which a name may have another answer each time. What is no name is
    left to the C library, which knows numbers in every spelling and here asks nobody."""

    def __init__(self) -> None:
        self.names: dict[str, Sequence[str]] = dict.fromkeys(HOSTS, (PUBLIC,)) | NAMES
        self.turns: dict[str, Iterator[Sequence[str]]] = {}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        if host in self.turns:
            return next(self.turns[host])
        if host in self.names:
            return self.names[host]
        found = socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)
        return [str(address[0]) for *_, address in found]


Answer = Callable[[str], bytes]


class World:
    """All of it. answers: from the path to the whole answer; heads: the requests that came; names:
    those that the TLS handshakes asked for."""

    def __init__(self, folder: Path) -> None:
        self.certificates, self._server_context = _certificates(folder)
        self._server_context.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self.dns = Dns()
        self.canary = Canary()
        self.answers: Answer = lambda _path: answer(b"hello")
        self.heads: list[str] = []
        self.names: list[str | None] = []

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, ssl=self._server_context
        )
        self.network = Network(self._server.sockets[0].getsockname()[1], self.canary.port)

    def egress(self, *allow: str) -> Egress:
        return Egress(
            [Target.parse(each) for each in allow],
            resolve=self.dns,
            network=self.network,
            certificates=self.certificates,
        )

    async def stop(self) -> None:
        self._server.close()
        self.canary.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                self.heads.append(head)
                said = self.answers(head.split(" ")[1])
                writer.write(said)
                await writer.drain()
                if b"connection: close" in said:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def answer(body: bytes = b"", status: int = 200, **headers: str) -> bytes:
    """A whole HTTP answer."""
    lines = [f"HTTP/1.1 {status} So", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """For a client that trusts the server's certificate, and for the server that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "small internet")])
    now = datetime.now(UTC)
    others: list[x509.GeneralName] = [x509.DNSName(host) for host in HOSTS]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([*others, x509.IPAddress(ipaddress.ip_address(PUBLIC))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return ssl.create_default_context(cafile=str(file)), server


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    world = World(tmp_path)
    await world.start()
    yield world
    await world.stop()
