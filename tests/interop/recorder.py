"""A proxy that keeps every request with its body, and passes it on."""

from __future__ import annotations

import email
import hashlib
import http.client
import json
import threading

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import attrs

MARK = "/__call__/"


@attrs.frozen
class Asked:
    """One request as it came: its target with the parameters in order of their names, and what its body says."""

    method: str
    target: str
    body: Any = None
    range: str | None = None

    @property
    def line(self) -> str:
        """The request as one line, without its body."""
        return f"{self.method} {self.target}"


class Recorder:
    """Stands before a backend; `calls` keeps what came after each mark."""

    def __init__(self, url: str) -> None:
        self.backend = urlsplit(url).netloc
        self.calls: dict[str, list[Asked]] = {"": []}
        self.current = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"recorder": self}))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body would wait 40 ms for its head to be acknowledged
    recorder: Recorder

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        recorder = self.recorder
        if self.path.startswith(MARK):
            recorder.current = self.path.removeprefix(MARK)
            recorder.calls[recorder.current] = []
            self._answer(204, [], b"")
            return
        recorder.calls[recorder.current].append(_asked(self.command, self.path, self.headers, body))
        backend = http.client.HTTPConnection(recorder.backend, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        backend.request(self.command, self.path, body, {**headers, "Connection": "close"})
        answer = backend.getresponse()
        self._answer(answer.status, answer.getheaders(), answer.read())
        backend.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def _asked(method: str, path: str, headers: Any, body: bytes) -> Asked:
    place, _, query = path.partition("?")
    pairs = "&".join(f"{name}={value}" for name, value in sorted(parse_qsl(query)))
    target = f"{place}?{pairs}" if pairs else place
    return Asked(method, target, _said(headers.get("Content-Type", ""), body), headers.get("Content-Range"))


def _said(kind: str, body: bytes) -> Any:
    """Read a body: JSON as its value, a form as its fields, of files only what tells them from others."""
    if not body:
        return None
    if kind.startswith("multipart/"):
        message = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
        return [_field(part) for part in message.get_payload()]  # type: ignore[union-attr]
    return json.loads(body)


def _field(part: Any) -> tuple[str, str | None, str]:
    content = part.get_payload(decode=True) or b""
    name = part.get_param("name", header="content-disposition")
    filename = part.get_filename()
    return name, filename, content.decode() if filename is None else hashlib.md5(content).hexdigest()
