"""A proxy on raw sockets, in front of a real backend, that loses what it is told to lose."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading

from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

_HOP = {"connection", "transfer-encoding", "keep-alive"}


class Fault(NamedTuple):
    """What goes wrong with one request.

    `cut` resets the connection after that many bytes of its body; `lost` passes it on and resets before the answer;
    `answer` answers in place of the backend.
    """

    cut: int | None = None
    lost: bool = False
    answer: bytes | None = None


class Proxy:
    """Passes requests on to *target*, but for those whose number, counted from 1, has a fault."""

    def __init__(self, target: str, faults: Mapping[int, Fault]) -> None:
        self.faults = dict(faults)
        self.lines: list[str] = []
        self._target = urlsplit(target).netloc
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
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
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as stream:
            while line := stream.readline().decode():
                method, target, _ = line.split()
                headers = http.client.parse_headers(stream)
                self.lines.append(f"{method} {target}")
                fault = self.faults.get(len(self.lines), Fault())
                length = int(headers.get("Content-Length") or 0)
                body = stream.read(length if fault.cut is None else min(fault.cut, length))
                answer = b""
                if fault.cut is None:
                    answer = fault.answer or self._pass_on(method, target, body, headers)
                if fault.lost or not answer:
                    _reset(connection)
                    break
                connection.sendall(answer)

    def _pass_on(self, method: str, target: str, body: bytes, headers: Any) -> bytes:
        backend = http.client.HTTPConnection(self._target, timeout=30)
        with contextlib.closing(backend):
            # The name that the client used stays in place, so that the backend's links lead here.
            backend.request(method, target, body=body or None, headers=dict(headers.items()))
            answer = backend.getresponse()
            content = answer.read()
            kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP]
        fields = "".join(f"{n}: {v}\r\n" for n, v in kept if n.lower() != "content-length")
        head = f"HTTP/1.1 {answer.status} {answer.reason}\r\n{fields}Content-Length: {len(content)}\r\n\r\n"
        return head.encode("latin-1") + content


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
