"""A server on a raw socket that repeats answers that a real backend has given, and harms one of them."""

from __future__ import annotations

import contextlib
import socket
import threading

from http.client import HTTPConnection
from typing import Final

import attrs

from tests.fuzz.harms import Answer, Harm
from tests.servers import Listener, Received, read_request

PATIENCE: Final = 5.0
MOST: Final = 300
"""Requests that one call may need at most, whatever it is told."""

_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection"})
_MISSING: Final = Answer(404, (("Content-Type", "application/json"),), b'{"detail":"Not found."}')


@attrs.frozen
class Exchange:
    """A request that a backend has answered."""

    method: str
    path: str
    answer: Answer
    body: bytes = b""


@attrs.define
class Script:
    """The answers of one call, in the order in which they were given."""

    exchanges: list[Exchange]
    harm: Harm | None = None
    asked: list[Received] = attrs.field(factory=list)
    harmed: list[Received] = attrs.field(factory=list)
    _left: list[Exchange] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._left = list(self.exchanges)

    def answer(self, request: Received) -> bytes:
        """Give the answer to a request, harmed if it is its turn."""
        number = len(self.asked)
        self.asked.append(request)
        found = self._found(request)
        if self.harm is not None and number == self.harm.nth % max(1, len(self.exchanges)):
            self.harmed.append(request)
            return self.harm.of(found)
        return found.sent()

    def _found(self, request: Received) -> Answer:
        for exchanges in (self._left, self.exchanges):
            same = [each for each in exchanges if (each.method, each.path) == (request.method, request.path)]
            if same:
                # Threads send side by side: whichever comes first gets the answer to what it sent.
                found = next((each for each in same if each.body == request.body), same[0])
                if exchanges is self._left:
                    self._left = [each for each in self._left if each is not found]
                return found.answer
        return _MISSING


class Recorder:
    """Asks a real backend, and keeps what it says."""

    def __init__(self, backend: str) -> None:
        self._backend = backend
        self.exchanges: list[Exchange] = []
        self.asked: list[Received] = []
        self.harmed: list[Received] = []

    def answer(self, request: Received) -> bytes:
        """Give the backend's own answer."""
        self.asked.append(request)
        with contextlib.closing(HTTPConnection(self._backend, timeout=PATIENCE)) as connection:
            connection.request(request.method, request.target, request.body, request.headers)
            got = connection.getresponse()
            fields = tuple(pair for pair in got.getheaders() if pair[0].lower() not in _FRAMING)
            answer = Answer(got.status, fields, got.read())
        self.exchanges.append(Exchange(request.method, request.path, answer, request.body))
        return answer.sent()


class Parrot(Listener):
    """Answers what its script says; without one, it closes every connection."""

    def __init__(self) -> None:
        self.script: Script | Recorder | None = None
        self._lock = threading.Lock()
        super().__init__()

    def meet(self, connection: socket.socket) -> None:
        """Answer the requests of one connection, up to the one that is harmed."""
        connection.settimeout(PATIENCE)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection.makefile("rb") as stream:
            while (request := read_request(stream)) is not None and self._answer(connection, request):
                pass

    def _answer(self, connection: socket.socket, request: Received) -> bool:
        with self._lock:
            script = self.script
            if script is None or len(script.asked) > MOST:
                return False
            before = len(script.harmed)
            content = script.answer(request)
            clean = len(script.harmed) == before
        connection.sendall(content)
        return clean
