"""A proxy on raw sockets that does harm to one request in many, and a backend that can be killed behind it.

with Proxy(backend.address) as proxy:
    proxy.harm(r"PUT .*chunked_upload/", reset, of="answer", at=MIDDLE, nth=2)
    ...                                   # a session on proxy.url
    proxy.received                        # what came, in order
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import struct
import threading
import time

from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import urlsplit

import attrs

from synapse.sandbox import Sandbox, serve
from tests.servers import at_once

FIRST: Final = 0
MIDDLE: Final = 0.5
LAST: Final = -1

_BLOCK: Final = 64 * 1024
_PATIENCE: Final = 30.0
_NO_BODY: Final = frozenset({204, 304})
_END_OF_CHUNKS: Final = b"\r\n0\r\n\r\n"


@attrs.define
class Received:
    """One request as it came in; `arrived` counts the bytes of its body, `status` is what was passed back.

    `came` and `answered` are the moments when its head was here, and that of its answer.
    """

    method: str
    target: str
    headers: dict[str, str]
    length: int
    arrived: int = 0
    status: int | None = None
    came: float = attrs.field(factory=time.monotonic)
    answered: float = float("inf")

    @property
    def line(self) -> str:
        """The request as rules match it."""
        return f"{self.method} {self.target}"


@attrs.define
class Exchange:
    """A request under way, as an act finds it; from now on, each byte takes `pace` seconds."""

    received: Received
    client: socket.socket
    released: threading.Event
    rest: Iterator[bytes]
    pace: float = 0.0


class HangUpError(Exception):
    """The connection to the client is to be closed, or, if `answered`, kept for the next request."""

    def __init__(self, *, answered: bool = False) -> None:
        super().__init__()
        self.answered = answered


Act = Callable[[Exchange], object]


def close(_: Exchange) -> None:
    """Close the connection."""
    raise HangUpError


def reset(exchange: Exchange) -> None:
    """Reset the connection, so that the client sees an error rather than an end."""
    exchange.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise HangUpError


def stall(exchange: Exchange) -> None:
    """Keep the connection and do nothing with it until the proxy is closed."""
    exchange.released.wait(_PATIENCE)
    raise HangUpError


def drip(seconds: float) -> Act:
    """Return an act that lets every further byte take that long."""

    def act(exchange: Exchange) -> None:
        exchange.pace = seconds

    return act


def answer(
    status: int,
    data: object = None,
    *,
    raw: bytes | None = None,
    kind: str = "application/json",
    headers: Iterable[tuple[str, str]] = (),
) -> Act:
    """Return an act that answers in place of the backend; what it says is JSON unless *raw* is given."""
    body = json.dumps(data).encode() if raw is None else raw
    phrase = HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"
    head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: {kind}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers)
    whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def act(exchange: Exchange) -> None:
        for _block in exchange.rest:
            pass
        exchange.received.status = status
        exchange.client.sendall(whole)
        raise HangUpError(answered=True)

    return act


def call(function: Callable[[], object], *, then: Act | None = None) -> Act:
    """Return an act that calls *function* and goes on, or does something else *then*."""

    def act(exchange: Exchange) -> None:
        function()
        if then is not None:
            then(exchange)

    return act


@attrs.define
class Rule:
    """An act, and which requests it is done to."""

    pattern: re.Pattern[str]
    act: Act
    of: Literal["request", "answer"]
    at: float
    first: int
    last: float
    seen: int = 0

    def wants(self, line: str) -> bool:
        if not self.pattern.search(line):
            return False
        self.seen += 1
        return self.first <= self.seen <= self.last


class Proxy:
    """Passes requests on byte by byte, but for those that a rule harms; with `secure`, what comes in is TLS."""

    def __init__(self, address: tuple[str, int], *, secure: ssl.SSLContext | None = None) -> None:
        self.address = address
        self._secure = secure
        self.received: list[Received] = []
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._released = threading.Event()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.here: Final[tuple[str, int]] = self._listener.getsockname()
        self.url: Final = f"http{'s' if secure else ''}://127.0.0.1:{self.here[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def harm(
        self,
        pattern: str,
        act: Act,
        *,
        of: Literal["request", "answer"] = "request",
        at: float = FIRST,
        nth: int = 1,
        times: float = 1,
    ) -> None:
        """Do *act* at one byte of the *nth* request, or of its answer, that matches `METHOD /target`.

        *at* counts bytes from the first of the head; negative from the end, a fraction of the whole if it is a float.
        *times* says how many requests from that one on are harmed; `inf` harms all.
        """
        self._rules.append(Rule(re.compile(pattern), act, of, at, nth, nth + times - 1))

    def heal(self) -> None:
        """Do no more harm; what stalls is let go."""
        self._rules.clear()
        self._released.set()
        self._released = threading.Event()

    def hang_up(self) -> None:
        """Close every connection to a client, as a server does with those that are idle."""
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def requests(self, pattern: str = "") -> list[Received]:
        """Return what came and matches `METHOD /target`, in order."""
        return [each for each in self.received if re.search(pattern, each.line)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._released.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        for each in [self._listener, *self._open]:
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            at_once(client)
            self._open.add(client)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        hung_up = contextlib.suppress(OSError, ValueError, HangUpError)
        with hung_up, self._opened(client) as client, client.makefile("rb") as stream:
            while head := _head(stream):
                try:
                    self._exchange(client, stream, head)
                except HangUpError as ending:
                    if not ending.answered:
                        raise
        self._open.discard(client)

    def _opened(self, client: socket.socket) -> socket.socket:
        if self._secure is None:
            return client
        client.settimeout(_PATIENCE)
        with client.dup() as line:
            try:
                opened = self._secure.wrap_socket(client, server_side=True)
            except ssl.SSLError:
                # Closed with something unread, it would be reset, and the alert might be lost with it.
                while line.recv(_BLOCK):
                    pass
                raise
        opened.settimeout(None)
        self._open.add(opened)
        return opened

    def _noted(self, received: Received) -> Rule | None:
        with self._lock:
            self.received.append(received)
            # Every rule counts, whichever is taken.
            wanted = [rule for rule in self._rules if rule.wants(received.line)]
        return wanted[0] if wanted else None

    def _exchange(self, client: socket.socket, stream: BufferedReader, head: bytes) -> None:
        received = received_from(head)
        rule = self._noted(received)
        if self._secure:
            head = head[:-2] + b"Front-End-Https: on\r\n\r\n"
        with socket.create_connection(self.address, _PATIENCE) as backend:
            at_once(backend)
            body = _counted(_body(stream, received.length), received)
            exchange = Exchange(received, client, self._released, body)
            asked = rule if rule and rule.of == "request" else None
            _pass_on(head, body, received.length, to=backend, rule=asked, exchange=exchange)
            with backend.makefile("rb") as reply:
                _pass_back(reply, rule if rule is not asked else None, exchange)


def _pass_back(reply: BufferedReader, rule: Rule | None, exchange: Exchange) -> None:
    head = _head(reply)
    if not head:
        raise HangUpError
    exchange.received.status = status = int(head.split(None, 2)[1])
    exchange.received.answered = time.monotonic()
    fields = _fields(head)
    length = int(fields["content-length"]) if "content-length" in fields else None
    if exchange.received.method == "HEAD" or status in _NO_BODY:
        length = 0
    body = _chunks(reply) if length is None else _body(reply, length)
    exchange.rest = iter(())
    _pass_on(head, body, length, to=exchange.client, rule=rule, exchange=exchange)


def _pass_on(
    head: bytes,
    body: Iterator[bytes],
    length: int | None,
    *,
    to: socket.socket,
    rule: Rule | None,
    exchange: Exchange,
) -> None:
    """Send a message on, up to the byte at which the rule acts, and the rest if its act lets it."""
    left = None if rule is None else _position(rule.at, len(head) + (length or 0))
    for block in _with(head, body):
        if rule is not None and left is not None and left <= len(block):
            _send(to, block[:left], pace=exchange.pace)
            rule.act(exchange)
            block, left = block[left:], None
        elif left is not None:
            left -= len(block)
        _send(to, block, pace=exchange.pace)


def _with(head: bytes, body: Iterator[bytes]) -> Iterator[bytes]:
    yield head
    yield from body


def _position(at: float, size: int) -> int:
    if isinstance(at, float):
        return int(at * size)
    return at if at >= 0 else max(0, size + at)


def _send(to: socket.socket, block: bytes, *, pace: float) -> None:
    if not pace:
        to.sendall(block)
        return
    for byte in block:
        to.sendall(bytes((byte,)))
        time.sleep(pace)


def _head(stream: BufferedReader) -> bytes:
    lines = []
    while line := stream.readline():
        lines.append(line)
        if line == b"\r\n":
            return b"".join(lines)
    return b""


def _fields(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:] if line)
    return {name.lower(): value.strip() for name, _, value in pairs}


def received_from(head: bytes) -> Received:
    """Read a request off its head."""
    method, target, _ = head.decode("latin-1").split(None, 2)
    fields = _fields(head)
    return Received(method, target, fields, int(fields.get("content-length", "0")))


def _body(stream: BufferedReader, length: int) -> Iterator[bytes]:
    while length:
        block = stream.read1(min(length, _BLOCK))
        if not block:
            raise HangUpError
        length -= len(block)
        yield block


def _chunks(stream: BufferedReader) -> Iterator[bytes]:
    tail = b""
    while not tail.endswith(_END_OF_CHUNKS):
        block = stream.read1(_BLOCK)
        if not block:
            raise HangUpError
        yield block
        tail = (tail + block)[-len(_END_OF_CHUNKS) :]


def _counted(body: Iterator[bytes], received: Received) -> Iterator[bytes]:
    for block in body:
        received.arrived += len(block)
        yield block


class Backend:
    """A real backend that can be killed, and starts again in its folder and at its port."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self._folder = folder
        self._options = options
        self._running = contextlib.ExitStack()
        self.sandbox: Sandbox = self._running.enter_context(serve(folder, **options))
        parts = urlsplit(self.sandbox.url)
        self.address: Final = (str(parts.hostname), int(parts.port or 0))

    @property
    def url(self) -> str:
        """Where it is, proxy or not."""
        return self.sandbox.url

    def kill(self) -> None:
        """End it without a word, as a lack of memory would."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.sandbox.pid, signal.SIGKILL)
        self._running.close()

    def restart(self) -> None:
        """Kill it, and start it again."""
        self.kill()
        self.sandbox = self._running.enter_context(serve(self._folder, port=self.address[1], **self._options))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()
