"""A backend that keeps nothing: it counts bytes, and says what an upload needs to hear. Standard library only.

`python sink.py MILLISECONDS` prints its address and ends with its standard input; every answer waits that long.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import socket
import sys
import threading
import time

from typing import Any, Final

IDS: Final = itertools.count(1)
SPECIFICATION: Final = {
    "id": 1,
    "name": "data_1",
    "file_type": "data",
    "is_required": True,
    "is_primary": True,
    "index": 1,
}
ROWS: Final = {
    "data_collections/1": {
        "id": 1,
        "name": "Sink",
        "category": "data",
        "file_specifications": [SPECIFICATION],
    },
    "projects/1": {"id": 1, "title": "Sink", "category": "text", "data_collection": 1},
}
NOTHING: Final = {"count": 0, "next": None, "previous": None, "results": []}

_BUFFER: Final = 1 << 20
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RANGE: Final = re.compile(rb"\r\ncontent-range: *bytes \d+-(\d+)/", re.IGNORECASE)
# Linux drops what is received with this flag instead of copying it.
_DROP: Final = getattr(socket, "MSG_TRUNC", 0) if sys.platform == "linux" else 0


def main() -> None:
    """Listen until standard input ends."""
    latency = float(sys.argv[1]) / 1000
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=_accept, args=(listener, latency), daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    sys.stdin.read()


def _accept(listener: socket.socket, latency: float) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=_serve, args=(connection, latency), daemon=True).start()


def _serve(connection: socket.socket, latency: float) -> None:
    host = ":".join(map(str, connection.getsockname()))
    buffer = bytearray(_BUFFER)
    pending = b""
    while True:
        while (end := pending.find(b"\r\n\r\n")) < 0:
            block = connection.recv(_BUFFER)
            if not block:
                return
            pending += block
        head, pending = pending[:end], pending[end + 4 :]
        found = _LENGTH.search(head)
        length = int(found.group(1)) if found else 0
        method, target = head.split(b" ", 2)[:2]
        if method == b"PUT":
            _drop(connection, buffer, length - len(pending))
            body, pending = b"", b""
        else:
            body, pending = _read(connection, pending, length)
        if latency:
            time.sleep(latency)
        path = target.decode().partition("?")[0].strip("/")
        status, data = _answer(f"{method.decode()} {path}", head, body, f"http://{host}")
        content = json.dumps(data).encode()
        start = (
            f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        connection.sendall(start.encode() + content)


def _drop(connection: socket.socket, buffer: bytearray, left: int) -> None:
    while left > 0:
        left -= connection.recv_into(buffer, min(left, _BUFFER), _DROP)


def _read(connection: socket.socket, pending: bytes, length: int) -> tuple[bytes, bytes]:
    blocks, have = [pending], len(pending)
    while have < length:
        blocks.append(connection.recv(_BUFFER))
        have += len(blocks[-1])
    whole = b"".join(blocks)
    return whole[:length], whole[length:]


def _answer(line: str, head: bytes, body: bytes, origin: str) -> tuple[int, Any]:
    """Answer `METHOD path`; what is not known here is declined."""
    method, _, path = line.partition(" ")
    if path.startswith("chunked_upload"):
        return 200, _upload(head, origin, complete=method == "POST")
    if line == "POST data_files":
        return 201, _file(head, body)
    if line == "POST data_files/verify_checksums":
        return 200, {"existing_checksums": []}
    if line in ("POST data_units", "POST tasks"):
        return 201, _rows(json.loads(body))
    if line == "PUT bare":
        return 200, {}
    if method == "GET":
        return 200, ROWS.get(path, NOTHING)
    return 404, {"detail": "Not found."}


def _upload(head: bytes, origin: str, *, complete: bool) -> dict[str, Any]:
    found = _RANGE.search(head)
    return {
        "id": "1",
        "url": f"{origin}/chunked_upload/1/",
        "file": None,
        "filename": "sunk",
        "offset": int(found.group(1)) + 1 if found else 0,
        "created_at": "2026-01-01T00:00:00Z",
        "status": 2 if complete else 1,
        "completed_at": "2026-01-01T00:00:00Z" if complete else None,
    }


def _file(head: bytes, body: bytes) -> dict[str, Any]:
    number = next(IDS)
    row = {"id": number, "file": None, "created_at": None, "meta": {}, "storage": 1}
    if not body.startswith(b"--"):
        return {**row, "checksum": "0" * 32}
    boundary = body[: body.index(b"\r\n")]
    start = body.index(b"\r\n\r\n") + 4
    content = memoryview(body)[start : body.rindex(b"\r\n" + boundary)]
    return {**row, "checksum": hashlib.md5(content).hexdigest(), "size": len(content)}


def _rows(given: Any) -> list[dict[str, Any]]:
    if isinstance(given, dict):
        given = [{"project": given.get("project"), **row} for row in given.get("data", ())]
    return [{**row, "id": next(IDS), "meta": row.get("meta", {})} for row in given]


if __name__ == "__main__":
    main()
