"""A list behind real sockets, which counts what it is asked and answers as slowly as it is told."""

from __future__ import annotations

import json
import threading
import time

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs

from synapse.dialects import Request
from synapse.errors import NotFoundError
from tests.unit.orm.rows import served


@attrs.define
class Backend:
    """A running backend. `delay` gives the seconds that a request takes; `at_once` is how many it had at most."""

    address: str
    rows: list[Any] = attrs.field(repr=False)
    delay: Callable[[dict[str, str]], float]
    asked: list[dict[str, str]] = attrs.field(factory=list, repr=False)
    at_once: int = 0
    flying: int = 0
    lock: Any = attrs.field(factory=threading.Lock, repr=False)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body would wait 40 ms for its head to be acknowledged
    backend: Backend

    def do_GET(self) -> None:
        parts, backend = urlsplit(self.path), self.backend
        asked = dict(parse_qsl(parts.query))
        with backend.lock:
            backend.asked.append(asked)
            backend.flying += 1
            backend.at_once = max(backend.at_once, backend.flying)
        time.sleep(backend.delay(asked))
        answer = served(backend.rows)(Request("GET", parts.path, params=tuple(asked.items())))
        with backend.lock:
            backend.flying -= 1
        missing = isinstance(answer, NotFoundError)
        body = json.dumps({"detail": "Invalid page."} if missing else answer).encode()
        self.send_response(404 if missing else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def listening(
    rows: Sequence[Any], delay: Callable[[dict[str, str]], float] = lambda asked: 0.0
) -> Iterator[Backend]:
    """Serve rows at an address of this machine."""
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        backend = Backend(f"http://127.0.0.1:{server.server_port}", list(rows), delay)
        handler.backend = backend  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield backend
        server.shutdown()
        thread.join()
