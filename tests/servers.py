"""Servers on raw sockets that answer, stall, cut and reset exactly as they are told.

with Server(reply(500), reset, reply(data={"id": 1})) as server:     # a step for each request, the last one for ever
    Session(server.origin, …)
    server.received                                                   # what came, in order
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading

from collections.abc import Callable, Iterable
from http import HTTPStatus
from io import BufferedReader
from pathlib import Path
from typing import Final, NamedTuple, Self


class Received(NamedTuple):
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def length(self) -> int:
        """How long the body is said to be."""
        return int(self.headers.get("content-length", "0"))

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    @property
    def line(self) -> str:
        """The request as `METHOD target`."""
        return f"{self.method} {self.target}"


Step = bytes | Callable[[socket.socket, Received], object]


def reply(
    status: int = 200,
    data: object = None,
    *,
    raw: bytes | None = None,
    headers: Iterable[tuple[str, str]] = (),
) -> bytes:
    """Return a whole HTTP answer; its body is JSON unless *raw* is given."""
    body = raw if raw is not None else json.dumps(data, ensure_ascii=False).encode()
    fields = {"Content-Type": "application/json", "Content-Length": str(len(body)), **dict(headers)}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{head}\r\n".encode() + body


class HangUpError(Exception):
    """The connection is to be closed at once."""


def reset(connection: socket.socket, _: Received) -> None:
    """Reset the connection without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise HangUpError


def cut(answer: bytes, *, at: int) -> Step:
    """Return a step that sends *answer* without its last *at* bytes and closes."""

    def step(connection: socket.socket, _: Received) -> None:
        connection.sendall(answer[:-at])
        raise HangUpError

    return step


def at_once(connection: socket.socket) -> None:
    """Send each part of an answer when it is written.

    A body sent after its head would wait for the client to acknowledge that, which takes it 40 ms.
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Listener:
    """Takes connections, each in a thread of its own, until it is closed; `secure` ones are TLS."""

    def __init__(self, *, secure: ssl.SSLContext | None = None) -> None:
        self.connections: list[socket.socket] = []
        self.released = threading.Event()
        self._secure = secure
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address: Final[tuple[str, int]] = self._listener.getsockname()
        self.origin: Final = f"http{'s' if secure else ''}://127.0.0.1:{self.address[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def meet(self, connection: socket.socket) -> None:
        """Do what is to be done with one connection."""
        raise NotImplementedError

    def close(self) -> None:
        """Take no more connections, and close those that are open."""
        self.released.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for connection in [self._listener, *self.connections]:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            at_once(connection)
            self.connections.append(connection)
            threading.Thread(target=self._met, args=(connection,), daemon=True).start()

    def _met(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError, HangUpError):
            if self._secure is not None:
                connection = self._secure.wrap_socket(connection, server_side=True)
            with connection:
                self.meet(connection)


class Server(Listener):
    """Takes one step of its script per request, and repeats the last one for ever.

    Without `keep` it hangs up behind each answer.
    """

    def __init__(self, *script: Step, secure: ssl.SSLContext | None = None, keep: bool = True) -> None:
        self.script: list[Step] = list(script) or [reply(data={})]
        self.received: list[Received] = []
        self.keep = keep
        self._lock = threading.Lock()
        super().__init__(secure=secure)

    @property
    def lines(self) -> list[str]:
        """The requests that arrived, as `METHOD target`."""
        return [request.line for request in self.received]

    def writes(self) -> list[tuple[str, bytes]]:
        """What came that must not be done twice."""
        written = [request for request in self.received if request.method in ("POST", "PATCH")]
        return [(request.line, request.body) for request in written]

    def stall(self, answer: bytes = b"") -> Step:
        """Return a step that sends *answer* and then nothing, until the server is closed."""

        def step(connection: socket.socket, _: Received) -> None:
            connection.sendall(answer)
            self.released.wait(30)
            raise HangUpError

        return step

    def meet(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        with connection.makefile("rb") as stream:
            while (request := read_request(stream)) is not None:
                self._answer(connection, request)
                if not self.keep:
                    _hang_up(connection)
                    break

    def _answer(self, connection: socket.socket, request: Received) -> None:
        with self._lock:
            self.received.append(request)
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, bytes):
            connection.sendall(step)
        else:
            step(connection, request)


def _hang_up(connection: socket.socket) -> None:
    # Closed with something unread, it would be reset, and what was sent might be lost with it.
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(0.5)
    while connection.recv(1 << 16):
        pass


def read_request(stream: BufferedReader) -> Received | None:
    """Read one request whole, None at the end."""
    request = read_head(stream)
    return request and request._replace(body=request.body or stream.read(request.length))


def read_head(stream: BufferedReader) -> Received | None:
    """Read a request up to its body, None at the end."""
    if stream.peek(1)[:1] == b"\x16":  # the first byte of a TLS handshake
        return Received("TLS", "", {}, stream.read1())
    start = stream.readline().decode("latin-1").split()
    if not start:
        return None
    headers = {}
    while (line := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Received(start[0], start[1], headers, b"")


def tls(certificate: Path | str) -> ssl.SSLContext:
    """Return the context of a server that shows this certificate, from a file with its key."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(str(certificate))
    return context
