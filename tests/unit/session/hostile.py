"""A server on raw sockets that answers, stalls, cuts and resets exactly as it is told."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading

from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple, Self


class Received(NamedTuple):
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


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


class _HangUpError(Exception):
    """The connection is to be closed at once."""


def reset(connection: socket.socket, _: Received) -> None:
    """Reset the connection without an answer."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise _HangUpError


def cut(answer: bytes, *, at: int) -> Step:
    """Return a step that sends *answer* without its last *at* bytes and closes."""

    def step(connection: socket.socket, _: Received) -> None:
        connection.sendall(answer[:-at])
        raise _HangUpError

    return step


class Server:
    """Takes one step of its script per request, and repeats the last one for ever."""

    def __init__(self, *script: Step, certificate: Path | None = None) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH) if certificate else None
        if self._tls:
            self._tls.load_cert_chain(str(certificate))
        self.script: list[Step] = list(script) or [reply(data={})]
        self.received: list[Received] = []
        self.connections: list[socket.socket] = []
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.origin: Final = f"http{'s' if certificate else ''}://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self, answer: bytes = b"") -> Step:
        """Return a step that sends *answer* and then nothing, until the server is closed."""

        def step(connection: socket.socket, _: Received) -> None:
            connection.sendall(answer)
            self.released.wait(30)
            raise _HangUpError

        return step

    @property
    def lines(self) -> list[str]:
        """The requests that arrived, as `METHOD target`."""
        return [f"{request.method} {request.target}" for request in self.received]

    def close(self) -> None:
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
            self.connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _serve(self, connection: socket.socket) -> None:
        hung_up = contextlib.suppress(OSError, ValueError, _HangUpError)
        with hung_up, self._secured(connection) as connection, connection.makefile("rb") as stream:
            while (request := _read(stream)) is not None:
                with self._lock:
                    self.received.append(request)
                    step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                if isinstance(step, bytes):
                    connection.sendall(step)
                else:
                    step(connection, request)


def _read(stream: Any) -> Received | None:
    if stream.peek(1)[:1] == b"\x16":  # the first byte of a TLS handshake
        return Received("TLS", "", {}, stream.read1())
    start = stream.readline().decode("latin-1").split()
    if not start:
        return None
    headers = {}
    while (line := stream.readline().decode("latin-1").strip()) != "":
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Received(start[0], start[1], headers, stream.read(int(headers.get("content-length", "0"))))
