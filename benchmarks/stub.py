"""A stub of the wire that only serves bytes, in a process of its own: lists of tasks, their units and projects.

`python -m benchmarks.stub --rows 20000 --latency 50 --offset-cost 0.5` serves until its standard input closes. Rows are
rendered before, and a page is joined from them, so that the stub costs a client next to nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import socket
import subprocess
import sys
import time

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

KINDS: Final = 256
"""So many rows differ in what they say; the others repeat it under their own keys."""
PROJECTS: Final = 3
USUAL, LEAN, WORDY, KNOWN, SIZED = LOOKS = ("usual", "lean", "wordy", "known", "sized")
"""Rows as they are; without data; without digits in their checksums; without the key that nobody knows; with the
sizes of pictures."""
_LETTERS: Final = str.maketrans("0123456789", "ghijklmnop")
HEAD: Final = b"HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


# --- rows -------------------------------------------------------------------------
def task(key: int, *, look: str = USUAL) -> dict[str, Any]:
    """One task as the wire gives it: about 1.2 KB, with nested annotations and a key that no release of the SDK has."""
    if look == LEAN:
        held: dict[str, Any] = {"data": None, "meta": {}}
    else:
        meta = {
            "frame": key,
            "camera": "front",
            "weather": ["rain", "dusk"],
            "checksum": _checksum(key, look),
        }
        held = {"data": _annotations(key, look), "meta": meta, "files": _files(key, look)}
    return {
        "id": key,
        "project": key % PROJECTS + 1,
        "data_unit": key,
        "workshop": None,
        **held,
        "schema": "dm_schema_v1",
        "is_discarded": False,
        "has_data": look != LEAN,
        "count_assignments": 1,
        "tags": [key % 9],
        "status_label": "completed",
        "status_review": "stand_by",
        "created": f"2026-01-{key % 28 + 1:02}T09:{key % 60:02}:00.123456+09:00",
        **({} if look == KNOWN else {"consensus_state": "open"}),
    }


def _annotations(key: int, look: str) -> dict[str, Any]:
    boxes, places = [], []
    for number in range(2):
        name = _checksum(10 * key + number, look)[:12]
        sort = {"class": "sign", "occluded": False}
        boxes.append({"id": name, "tool": "bounding_box", "classification": sort, "isLocked": False})
        corner = {"x": key % 640, "y": 12.5, "width": 31.25, "height": 40}
        places.append({"id": name, "coordinate": corner})
    return {
        "annotations": {"image_1": boxes},
        "annotationsData": {"image_1": places},
        "relations": {},
        "extra": {},
    }


def _files(key: int, look: str) -> dict[str, Any]:
    checksum = _checksum(key, look)
    signed = f"X-Amz-Date=20260101T000000Z&X-Amz-Expires=3600&X-Amz-Signature={2 * checksum}"
    file = {"url": f"http://127.0.0.1/media/{key}.jpg?{signed}", "file_name_original": f"{key}.jpg"}
    sizes = {"meta": {"width": 1920, "height": 1080}} if look == SIZED else {}
    return {"image_1": {**file, **sizes, "file_type": "image", "is_primary": True, "checksum": checksum}}


def _checksum(key: int, look: str) -> str:
    """Give an MD5, or where no digits are wanted a text of its length."""
    text = hashlib.md5(str(key).encode(), usedforsecurity=False).hexdigest()
    return text.translate(_LETTERS) if look == WORDY else text


def unit(key: int) -> dict[str, Any]:
    """One data unit."""
    file = {"url": f"http://127.0.0.1/{key}.jpg", "file_name_original": f"{key}.jpg", "file_type": "image"}
    return {
        "id": key,
        "data_collection": 7,
        "group": None,
        "checksum": f"{key:032x}",
        "meta": {"frame": key, "origin_file_stem": f"{key:06}"},
        "files": {"image_1": {**file, "is_primary": True, "meta": {"width": 640, "height": 480}}},
        "created": "2026-01-02T00:00:00+09:00",
    }


def project(key: int) -> dict[str, Any]:
    """One project."""
    return {
        "id": key,
        "title": f"Project {key}",
        "description": "",
        "category": "image",
        "data_collection": 7,
        "configuration": {"schema_type": "dm_schema", "classification": {}},
        "settings": {},
        "access_level": "private",
        "created": "2026-01-02T00:00:00+09:00",
    }


# --- the list ---------------------------------------------------------------------
class Tasks:
    """The list of tasks: which rows a request asks for, and their bytes."""

    def __init__(self, *, rows: int, gap: int, look: str, cap: int) -> None:
        self.keys = range(1, rows * gap + 1, gap)
        self.cap = cap
        self.look = look
        texts = [json.dumps(task(kind, look=look), separators=(",", ":")) for kind in range(KINDS)]
        self._joined = lru_cache(maxsize=1024)(lambda shown: b",".join(map(self._bare, shown)))
        self._rest = [text.partition('"workshop"')[2].encode() for text in texts]

    def page(self, path: str, asked: dict[str, str], origin: str) -> tuple[int, bytes]:
        """Give the number of the page that was asked for, and its bytes."""
        keys = self._chosen(asked)
        size, number = min(int(asked.get("page_size", 20)), self.cap), int(asked.get("page", 1))
        total, start = len(keys), (number - 1) * size
        if asked.get("ordering", "").startswith("-"):
            keys = keys[::-1]
        shown, following = keys[start : start + size], "null"
        if start + size < total:
            following = f'"{origin}/{path}?{urlencode({**asked, "page": number + 1}, safe=",:")}"'
        if asked.keys().isdisjoint(("fields", "expand")):
            rows = self._joined(shown) if isinstance(shown, range) else b",".join(map(self._bare, shown))
        else:
            rows = b",".join(map(self._cut(asked), shown))
        return number, b'{"count":%d,"next":%b,"previous":null,"results":[%b]}' % (
            total,
            following.encode(),
            rows,
        )

    def _chosen(self, asked: dict[str, str]) -> Sequence[int]:
        low = max(int(asked.get("id__gte", 0)), int(asked.get("id__gt", -1)) + 1)
        low_place, high_place = bisect_left(self.keys, low), len(self.keys)
        if "id__lt" in asked:
            high_place = bisect_left(self.keys, int(asked["id__lt"]))
        if "id__lte" in asked:
            high_place = min(high_place, bisect_right(self.keys, int(asked["id__lte"])))
        bounded = self.keys[low_place : max(high_place, low_place)]
        listed = asked.get("id__in") or asked.get("ids")
        return (
            sorted(key for key in set(map(int, listed.split(","))) if key in bounded) if listed else bounded
        )

    def _bare(self, key: int) -> bytes:
        return b'{"id":%d,"project":%d,"data_unit":%d,"workshop"%b' % (
            key,
            key % PROJECTS + 1,
            key,
            self._rest[key % KINDS],
        )

    def _cut(self, asked: dict[str, str]) -> Any:
        fields = tuple(name for name in asked.get("fields", "").split(",") if name)
        nested = "data_unit" in asked.get("expand", "")
        return lambda key: _rendered(key, fields=fields, nested=nested, look=self.look)


@lru_cache(maxsize=4096)
def _rendered(key: int, *, fields: tuple[str, ...], nested: bool, look: str) -> bytes:
    row = task(key, look=look)
    if nested:
        row["data_unit"] = unit(key)
    chosen = {name: row[name] for name in fields if name in row} if fields else row
    return json.dumps(chosen, separators=(",", ":")).encode()


# --- the server -------------------------------------------------------------------
class Stub:
    """Answers requests after a while; counts them."""

    def __init__(self, tasks: Tasks, *, latency: float, offset_cost: float, origin: str) -> None:
        self.tasks = tasks
        self.latency = latency
        self.offset_cost = offset_cost
        self.origin = origin
        self.new = count(10**6)
        self.count = self.busy = self.most_busy = 0
        self.accepted = self.open = self.most_open = 0

    def answer(self, target: str) -> tuple[float, bytes]:
        """Give the seconds to wait, and the answer."""
        path, _, query = target.lstrip("/").partition("?")
        if path == "stub/":
            return 0.0, self._counted()
        self.count += 1
        resource, _, key = path.strip("/").removeprefix("sdk/").partition("/")
        status, body, pages = 200, b'{"detail":"Not found."}', 1
        if resource == "tasks" and not key:
            pages, body = self.tasks.page(path, dict(parse_qsl(query)), self.origin)
        elif key.isdigit() and resource in ("tasks", "data_units", "projects"):
            body = _detail(resource, int(key), look=self.tasks.look)
        else:
            status = 404
        return self.latency + self.offset_cost * (pages - 1), HEAD % (status, len(body)) + body

    def created(self, content: bytes) -> bytes:
        """Give the rows of a creation back, each with a key."""
        rows = [{"id": next(self.new), **row} for row in json.loads(content)]
        body = json.dumps(rows, separators=(",", ":")).encode()
        return HEAD % (201, len(body)) + body

    def opened(self) -> None:
        """Count a connection."""
        self.accepted += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)

    def _counted(self) -> bytes:
        counted = {"requests": self.count, "at_once": self.most_busy}
        counted |= {"accepted": self.accepted, "open_at_once": self.most_open}
        self.count = self.most_busy = self.accepted = 0
        self.most_open = self.open
        body = json.dumps(counted).encode()
        return HEAD % (200, len(body)) + body


@lru_cache(maxsize=4096)
def _detail(resource: str, key: int, *, look: str) -> bytes:
    row = {"data_units": unit, "projects": project}.get(resource, lambda key: task(key, look=look))(key)
    return json.dumps(row, separators=(",", ":")).encode()


class Connection(asyncio.Protocol):
    """One connection, kept alive."""

    def __init__(self, stub: Stub) -> None:
        self.stub = stub
        self.waiting = b""
        self.transport: Any = None
        self.counted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.stub.open -= self.counted

    def data_received(self, data: bytes) -> None:
        self.waiting += data
        while (end := self.waiting.find(b"\r\n\r\n")) >= 0:
            head = self.waiting[:end].lower()
            length = (
                int(head.rpartition(b"content-length:")[2].split(b"\r\n")[0]) if head[:4] == b"post" else 0
            )
            if len(self.waiting) < end + 4 + length:
                return
            target = self.waiting.split(b" ", 2)[1].decode("latin-1")
            if not self.counted and target != "/stub/":  # who asks for figures is none of them
                self.counted = True
                self.stub.opened()
            body = self.waiting[end + 4 : end + 4 + length]
            self.waiting = self.waiting[end + 4 + length :]
            delay, answer = (0.0, self.stub.created(body)) if body else self.stub.answer(target)
            if delay:
                self.stub.busy += 1
                self.stub.most_busy = max(self.stub.most_busy, self.stub.busy)
                asyncio.get_running_loop().call_later(delay, self._late, answer)
            else:
                self.transport.write(answer)

    def _late(self, answer: bytes) -> None:
        self.stub.busy -= 1
        self.transport.write(answer)


async def serve(given: argparse.Namespace) -> None:
    """Serve until standard input closes; print the address first."""
    loop = asyncio.get_running_loop()
    tasks = Tasks(rows=given.rows, gap=given.gap, look=given.look, cap=given.cap)
    stub = Stub(tasks, latency=given.latency / 1000, offset_cost=given.offset_cost / 1000, origin="")
    server = await loop.create_server(lambda: Connection(stub), "127.0.0.1", 0)
    stub.origin = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    sys.stdout.write(f"{stub.origin}\n")
    sys.stdout.flush()
    async with server:
        await loop.run_in_executor(None, sys.stdin.read)


def arguments() -> argparse.ArgumentParser:
    """Lay out the flags."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--gap", type=int, default=1, help="every so many keys one row")
    parser.add_argument("--cap", type=int, default=1_000, help="the most rows of a page")
    parser.add_argument("--latency", type=float, default=0, help="milliseconds before each answer")
    parser.add_argument(
        "--offset-cost", type=float, default=0, help="milliseconds more for each page skipped"
    )
    parser.add_argument("--look", choices=LOOKS, default=USUAL, help="what the rows hold")
    return parser


@contextmanager
def running(*flags: object) -> Iterator[str]:
    """Start a stub with these flags and give its address."""
    command = [sys.executable, "-m", "benchmarks.stub", *map(str, flags)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def speed(url: str, *, size: int = 100, pages: int = 2_000) -> tuple[float, float]:
    """Give the pages and the MB a second that the stub serves to a client which only takes bytes."""
    host, port = url.removeprefix("http://").split(":")
    request = b"GET /sdk/tasks/?page=3&page_size=%d&ordering=id HTTP/1.1\r\nHost: x\r\n\r\n" % size
    taken = 0
    with socket.create_connection((host, int(port))) as connection:
        start = time.perf_counter()
        for _ in range(pages):
            connection.sendall(request)
            taken += _take(connection)
        spent = time.perf_counter() - start
    return pages / spent, taken / spent / 1e6


def _take(connection: socket.socket) -> int:
    block = connection.recv(1 << 18)
    head, _, body = block.partition(b"\r\n\r\n")
    left = int(head.rpartition(b"Content-Length: ")[2]) - len(body)
    taken = len(block)
    while left > 0:
        block = connection.recv(1 << 18)
        left, taken = left - len(block), taken + len(block)
    return taken


if __name__ == "__main__":
    asyncio.run(serve(arguments().parse_args()))
