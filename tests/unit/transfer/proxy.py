"""A proxy on raw sockets, in front of a real backend, that loses what it is told to lose."""

from __future__ import annotations

import contextlib
import http.client
import socket

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.servers import Listener, Received, read_head, reset

_HOP = {"connection", "transfer-encoding", "keep-alive"}


class Fault(NamedTuple):
    """What goes wrong with one request.

    `cut` resets the connection after that many bytes of its body; `lost` passes it on and resets before the answer;
    `answer` answers in place of the backend.
    """

    cut: int | None = None
    lost: bool = False
    answer: bytes | None = None


class Proxy(Listener):
    """Passes requests on to *target*, but for those whose number, counted from 1, has a fault."""

    def __init__(self, target: str, faults: Mapping[int, Fault]) -> None:
        self.faults = dict(faults)
        self.lines: list[str] = []
        self._target = urlsplit(target).netloc
        super().__init__()

    def meet(self, connection: socket.socket) -> None:
        """Pass on the requests of one connection."""
        with connection.makefile("rb") as stream:
            while (request := read_head(stream)) is not None:
                self.lines.append(request.line)
                fault = self.faults.get(len(self.lines), Fault())
                length = request.length if fault.cut is None else min(fault.cut, request.length)
                request = request._replace(body=stream.read(length))
                answer = b""
                if fault.cut is None:
                    answer = fault.answer or self._pass_on(request)
                if fault.lost or not answer:
                    reset(connection, request)
                connection.sendall(answer)

    def _pass_on(self, request: Received) -> bytes:
        backend = http.client.HTTPConnection(self._target, timeout=30)
        with contextlib.closing(backend):
            # The name that the client used stays in place, so that the backend's links lead here.
            backend.request(
                request.method, request.target, body=request.body or None, headers=request.headers
            )
            answer = backend.getresponse()
            content = answer.read()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        fields = "".join(f"{n}: {v}\r\n" for n, v in kept if n.lower() != "content-length")
        head = f"HTTP/1.1 {answer.status} {answer.reason}\r\n{fields}Content-Length: {len(content)}\r\n\r\n"
        return head.encode("latin-1") + content
