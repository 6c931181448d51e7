"""Servers of storages on this machine: FTP, SFTP, and an S3 that hands out what it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import warnings

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlsplit

import asyncssh

with warnings.catch_warnings(action="ignore"):  # it asks for asyncore, which Python 3.11 warns of
    from pyftpdlib.authorizers import DummyAuthorizer
    from pyftpdlib.handlers import FTPHandler
    from pyftpdlib.servers import FTPServer

USER, PASSWORD = "reader", "pass-word-0123456789"
_CREDENTIAL: Final = re.compile(r"Credential=([^/]+)/")


@contextlib.contextmanager
def ftp_server(folder: Path) -> Iterator[int]:
    """Serve a folder by FTP and give the port."""
    authorizer = DummyAuthorizer()
    authorizer.add_user(USER, PASSWORD, str(folder), perm="elradfmw")
    handler = type("Handler", (FTPHandler,), {"authorizer": authorizer, "use_sendfile": False})
    server = FTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(
        target=lambda: server.serve_forever(timeout=0.1, handle_exit=False), daemon=True
    )
    thread.start()
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.close_all()
        thread.join(5)


class _Server(asyncssh.SSHServer):
    connections: ClassVar[list[asyncssh.SSHServerConnection]] = []

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


@contextlib.contextmanager
def sftp_server(folder: Path, *, key: str) -> Iterator[tuple[int, str]]:
    """Serve a folder by SFTP to the user, or to who has the private *key*; give the port and the line of its host."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    allowed = asyncssh.import_authorized_keys(
        asyncssh.import_private_key(key, "phrase").export_public_key().decode()
    )

    async def start() -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=_Server,
            server_host_keys=[host_key],
            authorized_client_keys=allowed,
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(folder).encode()),
        )

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(10)
    port = server.get_port()
    try:
        public = host_key.export_public_key().decode().strip()
        yield port, f"[127.0.0.1]:{port} {public}"
    finally:
        asyncio.run_coroutine_threadsafe(_ended(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _ended(server: Any) -> None:
    server.close()
    for connection in _Server.connections:
        connection.abort()
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0.05)  # the transports close with the next rounds of the loop


class Bucket:
    """An S3 that has one object, takes the key that it is told to (or none), and cuts an answer where it is told to."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.version = "one"
        self.takes = "KEY-1"
        self.keys = 0
        self.cut_at: int | None = None
        self.requests: list[tuple[str, str, str]] = []
        self.refusal = (400, "ExpiredToken", "The provided token has expired.")
        self.before: Callable[[], object] = lambda: None

    @contextlib.contextmanager
    def served(self) -> Iterator[str]:
        """Serve it and give the address."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_S3,), {"bucket": self}))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


class _S3(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body would wait 40 ms for its head to be acknowledged
    bucket: Bucket

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *args: Any) -> None:
        pass

    def _answer(self, *, body: bool) -> None:
        held = self.bucket
        used = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        held.requests.append((self.command, self.headers.get("Range", ""), used[1] if used else ""))
        held.before()
        if "list-type=2" in self.path:
            self._send(200, self._page(), {})
            return
        if held.takes and (used is None or used[1] != held.takes):
            status, code, words = held.refusal
            self._send(status, f"<Error><Code>{code}</Code><Message>{words}</Message></Error>".encode(), {})
        elif self.headers.get("If-Match", f'"{held.version}"') != f'"{held.version}"':
            self._send(412, b"<Error><Code>PreconditionFailed</Code></Error>", {})
        else:
            self._send_content(body=body)

    def _page(self) -> bytes:
        """Give a page of a thousand keys of a folder, and say whether more follow."""
        query = dict(parse_qsl(urlsplit(self.path).query))
        start = int(query.get("continuation-token", 0))
        keys = [f"{query.get('prefix', '')}{number:05}" for number in range(start, self.bucket.keys)][:1000]
        more = start + len(keys) < self.bucket.keys
        following = f"<NextContinuationToken>{start + len(keys)}</NextContinuationToken>" if more else ""
        rows = "".join(
            f"<Contents><Key>{key}</Key><Size>1</Size><LastModified>2026-11-30T12:00:00Z</LastModified></Contents>"
            for key in keys
        )
        return (
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{following}{rows}</ListBucketResult>"
        ).encode()

    def _send_content(self, *, body: bool) -> None:
        held, size = self.bucket, len(self.bucket.content)
        first, last = 0, size - 1
        headers = {"ETag": f'"{held.version}"', "Last-Modified": "Mon, 30 Nov 2026 12:00:00 GMT"}
        found = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if found:
            first, last = int(found[1]), min(int(found[2] or last), last)
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        part = held.content[first : last + 1]
        self._send(206 if found else 200, part, headers, body=body)

    def _send(self, status: int, content: bytes, headers: dict[str, str], *, body: bool = True) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        cut, held = self.bucket.cut_at, self.bucket
        if body and cut is not None and status == 206 and len(content) > cut:
            held.cut_at, held.takes = None, "KEY-2"
            self.wfile.write(content[:cut])
            self.close_connection = True
        elif body:
            self.wfile.write(content)
