"""A pytest plugin that records what goes to sandboxes below `/v2/`: `-p tests.openapi.recording --record-calls FILE`.

Each sandbox is handed out by the address of a proxy before it, so that nothing of what is tested is changed.
"""

from __future__ import annotations

import contextlib
import http.client
import threading

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
import pytest

import synapse.sandbox

from tests.openapi.judging import Call

OPTION: Final = "--record-calls"
HOP_BY_HOP: Final = ("connection", "content-length", "transfer-encoding")
CALLS: Final[list[Call]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that says where to."""
    parser.addoption(OPTION, type=Path, required=True, help="write what went to /v2/ there, as lines of JSON")


def pytest_load_initial_conftests() -> None:
    """Put a proxy before each sandbox, before anybody takes hold of what starts them."""
    serve = synapse.sandbox.serve

    @contextlib.contextmanager
    def recorded(*args: Any, **options: Any) -> Iterator[synapse.sandbox.Sandbox]:
        with serve(*args, **options) as sandbox, proxy_of(sandbox.url) as url:
            yield attrs.evolve(sandbox, url=url)

    synapse.sandbox.serve = recorded


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what was recorded."""
    session.config.getoption(OPTION).write_text("".join(f"{call.line}\n" for call in CALLS), encoding="utf-8")


@contextlib.contextmanager
def proxy_of(url: str) -> Iterator[str]:
    """Serve a proxy of a backend for as long as the block lasts."""
    kept = {"backend": urlsplit(url).netloc}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), kept))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave apart: else the body waits 40 ms until the head's receipt is confirmed.
    disable_nagle_algorithm = True
    backend = ""

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        backend = http.client.HTTPConnection(self.backend, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        backend.request(self.command, self.path, body, {**headers, "Connection": "close"})
        answer = backend.getresponse()
        content = answer.read()
        backend.close()
        if self.path.startswith("/v2/"):
            url, kind = f"http://{self.backend}{self.path}", answer.getheader("Content-Type", "")
            is_sparse = "fields=" in self.path
            CALLS.append(
                Call(self.command, url, headers, body, answer.status, kind, content, sparse=is_sparse)
            )
        self._answer(answer.status, answer.getheaders(), content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _pass_on

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
