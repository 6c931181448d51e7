"""A table behind real sockets, whose faults are those of a network."""

from __future__ import annotations

import json
import threading

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from synapse.dialects import Request
from synapse.errors import ClientError
from tests.proof.table import Table

PATIENCE: Final = 0.25
"""Seconds that a session waits for an answer."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body would wait 40 ms for its head to be acknowledged
    table: Table
    ended: threading.Event

    def do_GET(self) -> None:
        request = Request("GET", self.path.lstrip("/"))
        fault = self.table.befall(request)
        if fault == "times out":
            self.ended.wait(2 * PATIENCE)
            self.close_connection = True
        elif fault == "is busy":
            self._give(503, b"{}", **{"Retry-After": "0"})
        elif fault == "gives up":
            self._give(524, b"<html>a timeout occurred</html>")
        else:
            self._page(request, cut=fault == "is cut", broken=fault == "breaks off")

    def _page(self, request: Request, *, cut: bool, broken: bool) -> None:
        try:
            body = json.dumps(self.table.page(request, cut=cut)).encode()
        except ClientError as error:
            self._give(error.status_code, b'{"detail": "Invalid page."}')
            return
        self._give(200, body, most=len(body) // 2 if broken else None)

    def _give(self, status: int, body: bytes, *, most: int | None = None, **headers: str) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[:most])
        self.close_connection = self.close_connection or most is not None

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(table: Table) -> Iterator[str]:
    """Serve a table and give its address."""
    ended = threading.Event()
    handler = type("Handler", (_Handler,), {"table": table, "ended": ended})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    table.host = f"http://127.0.0.1:{server.server_port}"
    try:
        yield table.host
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
