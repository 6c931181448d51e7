"""Certificates of an authority of our own, and a forward proxy that opens tunnels.

certificates = Certificates(folder)
with (
    Proxy(backend.address, secure=certificates.server(asks=True)) as front,
    Forward(backend.address, tunnels=front.here) as forward,
):
    Session(f"https://{NAME}", verify=certificates.bundle, cert=certificates.client, proxies={"https": forward.url}, …)
"""

from __future__ import annotations

import base64
import datetime
import math
import re
import select
import socket
import ssl
import threading

from collections.abc import Callable
from io import BufferedReader
from pathlib import Path
from typing import Any, Final

import trustme

from cryptography.hazmat.primitives import serialization

from tests.faults.hostile import Exchange, HangUpError, Proxy, Received, Rule, answer, received_from
from tests.servers import Listener, at_once

NAME: Final = "backend.test"
"""A host that no name server knows: only a proxy leads there."""

_BLOCK: Final = 64 * 1024
_PATIENCE: Final = 30.0
_WHO: Final = Rule(re.compile(""), answer(407, {"detail": "who are you"}), "request", 0, 1, math.inf)
_OPENED: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"


class Certificates:
    """What servers and clients show each other, as files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self._stranger = trustme.CA()
        self.bundle: Final = self._written("authority.pem", self._authority.cert_pem)
        server = self._authority.issue_cert("*.other.test", NAME, "127.0.0.1")
        self.serving: Final = self._written("serving.pem", server.private_key_and_cert_chain_pem)
        client = self._authority.issue_cert("someone@backend.test")
        self.client: Final = self._written("client.pem", client.private_key_and_cert_chain_pem)
        self.certificate: Final = self._written("certificate.pem", *client.cert_chain_pems)
        self.key: Final = self._written("key.pem", client.private_key_pem)
        self.locked_key: Final = self._written("locked.pem", _locked(client.private_key_pem))
        other = self._stranger.issue_cert("someone@backend.test")
        self.foreign_client: Final = self._written("foreign.pem", other.private_key_and_cert_chain_pem)

    def server(self, *, asks: bool = False, names: tuple[str, ...] = ("127.0.0.1", "localhost", NAME)) -> Any:
        """Return the context of a server that is what it says; it may ask clients who they are."""
        return self._context(self._authority.issue_cert(*names), asks=asks)

    def elsewhere(self) -> Any:
        """Return the context of a server with the certificate of another host."""
        return self.server(names=("other.test",))

    def expired(self) -> Any:
        """Return the context of a server whose certificate has run out."""
        day = datetime.timedelta(days=1)
        now = datetime.datetime.now(datetime.UTC)
        return self._context(
            self._authority.issue_cert("127.0.0.1", not_before=now - 2 * day, not_after=now - day)
        )

    def foreign(self) -> Any:
        """Return the context of a server that an unknown authority vouches for."""
        return self._context(self._stranger.issue_cert("127.0.0.1", "localhost", NAME))

    def _context(self, issued: trustme.LeafCert, *, asks: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued.configure_cert(context)
        if asks:
            context.verify_mode = ssl.CERT_REQUIRED
            self._authority.configure_trust(context)
        return context

    def _written(self, name: str, *blobs: trustme.Blob) -> str:
        path = self._folder / name
        path.write_bytes(b"".join(blob.bytes() for blob in blobs))
        return str(path)


def _locked(key: trustme.Blob) -> trustme.Blob:
    """Return a key that nobody reads without its password."""
    kind = serialization.BestAvailableEncryption(b"password")
    loaded = serialization.load_pem_private_key(key.bytes(), None)
    return trustme.Blob(
        loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, kind)
    )


class Forward(Proxy):
    """A forward proxy, whatever host is asked for: tunnels lead to *tunnels*, plain requests to *address*.

    *wants* is the `name:password` that it asks for; what came without is answered by 407.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        tunnels: tuple[str, int] | None = None,
        wants: str = "",
        secure: ssl.SSLContext | None = None,
    ) -> None:
        self._tunnels = tunnels or address
        self._wants = f"Basic {base64.b64encode(wants.encode()).decode()}" if wants else None
        super().__init__(address, secure=secure)

    @property
    def tunnels(self) -> list[Received]:
        """The tunnels that were asked for."""
        return self.requests("^CONNECT ")

    def _noted(self, received: Received) -> Rule | None:
        rule = super()._noted(received)
        known = received.headers.get("proxy-authorization") == self._wants
        return rule if known or not self._wants else _WHO

    def _exchange(self, client: socket.socket, stream: BufferedReader, head: bytes) -> None:
        if not head.startswith(b"CONNECT "):
            super()._exchange(client, stream, head)
            return
        received = received_from(head)
        rule = self._noted(received)
        if rule is not None:
            rule.act(Exchange(received, client, self._released, iter(())))
        with socket.create_connection(self._tunnels, _PATIENCE) as server:
            at_once(server)
            client.sendall(_OPENED)
            _join(client, server)
        raise HangUpError


def _join(left: socket.socket, right: socket.socket) -> None:
    while True:
        waiting = [side for side in (left, right) if isinstance(side, ssl.SSLSocket) and side.pending()]
        for source in waiting or select.select([left, right], [], [], _PATIENCE)[0]:
            block = source.recv(_BLOCK)
            if not block:
                return
            (right if source is left else left).sendall(block)


class Greeter(Listener):
    """A listener that does one thing with every connection, before any request."""

    def __init__(self, act: Callable[[socket.socket, threading.Event], object]) -> None:
        self._act = act
        self.met = 0
        super().__init__()

    def meet(self, connection: socket.socket) -> None:
        """Do it."""
        self.met += 1
        self._act(connection, self.released)


def silent(_: socket.socket, released: threading.Event) -> None:
    """Take the connection and say nothing."""
    released.wait(_PATIENCE)


def gone(client: socket.socket, _: threading.Event) -> None:
    """Read the beginning of the handshake, and close."""
    client.recv(_BLOCK)


def plain(client: socket.socket, _: threading.Event) -> None:
    """Answer the handshake as a web server without TLS does."""
    client.recv(_BLOCK)
    client.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")


def garbage(client: socket.socket, _: threading.Event) -> None:
    """Answer the handshake with what is neither TLS nor HTTP."""
    client.recv(_BLOCK)
    client.sendall(bytes(range(256)) * 4)


def drip(client: socket.socket, released: threading.Event) -> None:
    """Begin an answer, and never come to its end."""
    client.recv(_BLOCK)
    client.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while not released.wait(0.05):
        client.sendall(b"x")
