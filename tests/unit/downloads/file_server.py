"""A server of one file that honours ranges, or does not, and breaks off where it is told."""

from __future__ import annotations

import socket

from collections.abc import Iterable
from typing import Any

from tests.servers import HangUpError, Received, reply


class Shelf:
    """A step of a script that answers *content* under an entity tag; each of `cuts` breaks one off.

    Assign to `content` and `etag` to change the file.
    """

    def __init__(
        self,
        content: bytes,
        *,
        etag: str = '"v1"',
        cuts: Iterable[int] = (),
        ranges: bool = True,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        self.content = content
        self.etag = etag
        self.cuts = list(cuts)
        self.ranges = ranges
        self.headers = list(headers)
        self.asked: list[str] = []

    def __call__(self, connection: socket.socket, request: Received) -> None:
        wanted = request.headers.get("range", "")
        self.asked.append(wanted)
        same = request.headers.get("if-range", self.etag) in (
            self.etag,
            dict(self.headers).get("Last-Modified"),
        )
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and same and self.ranges else None
        answer = self.answer(start)
        if self.cuts:
            cut = self.cuts.pop(0)
            head, body = answer.split(b"\r\n\r\n", 1)
            connection.sendall(head + b"\r\n\r\n" + body[:cut])
            raise HangUpError
        connection.sendall(answer)

    def answer(self, start: int | None) -> bytes:
        """Give the whole answer from a byte on."""
        headers: list[tuple[str, Any]] = [("ETag", self.etag), *self.headers]
        size = len(self.content)
        if start is None:
            return reply(raw=self.content, headers=headers)
        if start >= size:
            return reply(416, raw=b"", headers=[("Content-Range", f"bytes */{size}")])
        place = ("Content-Range", f"bytes {start}-{size - 1}/{size}")
        return reply(206, raw=self.content[start:], headers=[*headers, place])
