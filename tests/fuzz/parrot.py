"""A server on a raw socket that repeats answers that a real backend has given, and harms one of them."""

from __future__ import annotations

import contextlib
import socket
import threading

from http.client import HTTPConnection
from io import BufferedReader
from typing import Final, Self

import attrs

from tests.fuzz.harms import Answer, Harm

PATIENCE: Final = 5.0
MOST: Final = 300
"""Requests that one call may need at most, whatever it is told."""

_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection"})
_MISSING: Final = Answer(404, (("Content-Type", "application/json"),), b'{"detail":"Not found."}')


@attrs.frozen
class Request:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]


@attrs.frozen
class Exchange:
    """A request that a backend has answered."""

    method: str
    path: str
    answer: Answer


@attrs.define
class Script:
    """The answers of one call, in the order in which they were given."""

    exchanges: list[Exchange]
    harm: Harm | None = None
    asked: list[Request] = attrs.field(factory=list)
    harmed: list[Request] = attrs.field(factory=list)
    _left: list[Exchange] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = list(self.exchanges)

    def answer(self, request: Request) -> bytes:
        """Give the answer to a request, harmed if it is its turn."""
        number = len(self.asked)
        self.asked.append(request)
        found = self._found(request)
        if self.harm is not None and number == self.harm.nth % max(1, len(self.exchanges)):
            self.harmed.append(request)
            return self.harm.of(found)
        return found.sent()

    def _found(self, request: Request) -> Answer:
        for exchanges in (self._left, self.exchanges):
            for index, each in enumerate(exchanges):
                if (each.method, each.path) == (request.method, request.path):
                    return (exchanges.pop(index) if exchanges is self._left else each).answer
        return _MISSING


class Recorder:
    """Asks a real backend, and keeps what it says."""

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self.exchanges: list[Exchange] = []
        self.asked: list[Request] = []
        self.harmed: list[Request] = []

    def answer(self, request: Request) -> bytes:
        """Give the backend's own answer."""
        self.asked.append(request)
        with contextlib.closing(HTTPConnection(self._backend, timeout=PATIENCE)) as connection:
            connection.request(request.method, request.target, request.body, request.headers)
            got = connection.getresponse()
            fields = tuple(pair for pair in got.getheaders() if pair[0].lower() not in _FRAMING)
            answer = Answer(got.status, fields, got.read())
        self.exchanges.append(Exchange(request.method, request.path, answer))
        return answer.sent()


class Parrot:
    """Answers what its script says; without one, it closes every connection."""

    def __init__(self) -> None:
        self.script: Script | Recorder | None = None
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address: Final = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.url: Final = f"http://{self.address}"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(PATIENCE)
        with contextlib.suppress(OSError, ValueError), client, client.makefile("rb") as stream:
            while (request := read(stream)) is not None and self._answer(client, request):
                pass

    def _answer(self, client: socket.socket, request: Request) -> bool:
        with self._lock:
            script = self.script
            if script is None or len(script.asked) > MOST:
                return False
            before = len(script.harmed)
            content = script.answer(request)
            clean = len(script.harmed) == before
        client.sendall(content)
        return clean


def read(stream: BufferedReader) -> Request | None:
    """Read one request whole, None at the end."""
    line = stream.readline().decode("latin-1").split()
    if len(line) != 3:
        return None
    headers: dict[str, str] = {}
    while (field := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = field.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", "0")))
    return Request(line[0], line[1], headers, body)
