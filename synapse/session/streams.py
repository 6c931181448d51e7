"""Responses that are read while they arrive: event streams and files."""

from __future__ import annotations

import codecs
import os
import re
import sys
import time

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Protocol

import attrs

from synapse.dialects.wire import Request
from synapse.errors import TransferError, TransportError
from synapse.masking import Masker, Secret
from synapse.session.delivery import Delivery, web_address
from synapse.session.http import Attempt
from synapse.session.interrupts import detach, reraise_from_signal, strip_frames
from synapse.session.network_errors import ERRORS, Failure, failure_of
from synapse.session.replies import RawResponse, describe

SEVERAL: Final = 4
# Seconds: two comments in quick succession at the start are no interval yet, and a busy server may be late.
SHORTEST: Final = 10.0
# Heartbeats within so many seconds were sent together, such as comments that fill the buffer of a proxy.
_AT_ONCE: Final = 0.01
# Servers keep a connection alive by comments, or by events without data.
_HEARTBEAT: Final = re.compile(r":|event:\s*(?:ping|heartbeat|keep-?alive)\s*$", re.IGNORECASE)


class Heartbeats:
    """The heartbeats of one stream, which tell how long it may be silent; times are those of `time.monotonic()`.

    No server says how often it sends them, and one that sends none may be silent for hours, as during a long training.
    So there is a limit only after two pauses between heartbeats. A proxy that collects them and sends several at once
    makes the longest pause longer, and so the limit never shorter than the server's interval.
    """

    def __init__(self, now: float) -> None:
        self._last = now
        self._longest = 0.0
        self._pauses = 0

    def take(self, lines: list[str], *, now: float) -> bool:
        """Note the heartbeats in lines that arrived now; return whether there were any."""
        if not any(map(_HEARTBEAT.match, lines)):
            return False
        self._pauses += now - self._last >= _AT_ONCE
        self._longest = max(self._longest, now - self._last)
        self._last = now
        return True

    @property
    def limit(self) -> float | None:
        """The seconds of silence after which the stream counts as dead; None while the interval is unknown."""
        return max(SEVERAL * self._longest, SHORTEST) if self._pauses > 1 else None


_LINE: Final = re.compile(r"\r\n|\n|\r(?!\Z)")
_BLOCK: Final = 64 * 1024
_NO_STREAMS: Final = frozenset({"text/html", "application/xhtml+xml", "application/json"})
_HEAD: Final = 90.0  # seconds to wait for the head of a stream
LONGEST: Final = 16 * 1024 * 1024
_TOTAL: Final = re.compile(r"bytes\s+(?:\d+-\d+|\*)/(\d+)\s*$")


class ByteStream(Protocol):
    """A response whose body is read in pieces."""

    answer: RawResponse

    def read(self, *, size: int, whole: bool) -> bytes:
        """Return the next bytes, empty at the end: *size* of them if *whole*, else what is there."""
        ...


class Download:
    """A file that is being fetched; `status` is 206 if the server honoured `start`, else 200."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.status: int = stream.answer.status
        self.headers: Mapping[str, str] = stream.answer.headers

    @property
    def size(self) -> int | None:
        """The size of the whole file in bytes, None if the server does not say."""
        if self.headers.get("Content-Encoding", "identity") != "identity":
            return None
        part = _TOTAL.match(self.headers.get("Content-Range", ""))
        length = (
            part.group(1) if part else self.headers.get("Content-Length", "") if self.status == 200 else ""
        )
        # `int()` would read digits of other scripts as well, and no file has a size of twenty digits.
        return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else None

    def chunks(self, size: int = 1024 * 1024) -> Iterator[bytes]:
        """Yield the bytes in pieces of *size*; a broken connection is a `TransportError`."""
        while block := self._stream.read(size=size, whole=True):
            yield block


@contextmanager
def open_lines(delivery: Delivery, request: Request) -> Iterator[Iterator[str]]:
    """Open an event stream, whose lines are yielded as soon as they arrive.

    If the request has no `read_timeout`, the heartbeats of the stream decide how long it may be silent.
    """
    attempt = delivery.prepare(request, streamed=True)
    headers = {**attempt.headers, "Accept-Encoding": "identity"}
    limit = _HEAD if attempt.read_limit is None else attempt.read_limit
    stream = _Stream(delivery, attrs.evolve(attempt, headers=headers, read_limit=limit))
    try:
        stream.start()
        _check_kind(stream, masker=delivery.masker)
        stream.allow(attempt.read_limit)
        yield _lines(stream, Heartbeats(time.monotonic()) if attempt.read_limit is None else None)
    finally:
        stream.close()


@contextmanager
def open_download(
    delivery: Delivery, url: str, *, start: int = 0, headers: tuple[tuple[str, str], ...] = ()
) -> Iterator[Download]:
    """Open a file at any address, without the session's tokens; a redirect from https to http is refused."""
    url = Secret(url)  # debuggers list variables, and its signature is a secret
    stream = _Stream(delivery, delivery.fetch(url, start=start, headers=headers))
    try:
        stream.start(follow=_onward)
        yield Download(stream)
    finally:
        stream.close()


def _onward(start: str, link: str) -> str:
    target = web_address(start, link)
    if start.startswith("https:") and not target.startswith("https:"):
        raise TransferError(
            "the server leads from https to http, where anyone could change the file: not followed"
        )
    return target


class _Stream:
    """An open response that counts its bytes and raises typed errors."""

    def __init__(self, delivery: Delivery, attempt: Attempt) -> None:
        self._delivery = delivery
        self._started = time.perf_counter()
        self._process = os.getpid()
        self._failure: Failure | None = None
        self.attempt = attempt
        self.answer = RawResponse(0, {})
        self.received = 0

    def start(self, **options: Any) -> None:
        """Send the request, and keep its response open."""
        self.answer = self._delivery.deliver(self.attempt, **options)
        self._delivery.streams.add(self.answer.stream)

    def allow(self, seconds: float | None) -> None:
        """Set the timeout of each read from now on; None means no timeout."""
        self.attempt = attrs.evolve(self.attempt, read_limit=seconds)
        self.answer.stream.allow(seconds)

    def read(self, *, size: int, whole: bool) -> bytes:
        """Return the next bytes, empty at the end: *size* of them if *whole*, else what is there."""
        self._delivery.check_open()
        if self._process != os.getpid():
            raise TransportError(
                f"{self.attempt.label}: this was opened before the process was forked, and the parent goes on reading "
                "it: open it anew",
                method=self.attempt.method,
            )
        before = sys.exception()
        try:
            block = self._block(size, before, whole=whole)
        except BaseException as error:
            strip_frames(error, before)
            raise
        self._delivery.check_open()
        if self._failure is not None:
            raise self._delivery.failed(self.attempt, self._failure) from self._failure.cause
        self.received += len(block)
        return block

    def _block(self, size: int, before: BaseException | None, *, whole: bool) -> bytes:
        block = b""
        try:
            block = self.answer.stream.read(size, whole=whole)
        except ERRORS as error:
            detach(error, before)
            reraise_from_signal(error)
            self._failure = failure_of(
                error,
                connect=self.attempt.connect_limit,
                read=self.attempt.read_limit,
                status=self.answer.status,
            )
        return block

    def close(self) -> None:
        """Free the connection, and note the call in the traces."""
        raw = self.answer.stream
        if raw is not None:
            raw.close()
            outcome = self._failure or self.answer
            self._delivery.transport.note(
                self.attempt,
                outcome,
                started=self._started,
                received=self.received,
                waited=self.answer.waited,
            )


def _check_kind(stream: _Stream, *, masker: Masker) -> None:
    """Refuse an HTML page, as of a proxy or a login, or JSON in place of a stream."""
    kind = stream.answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind in _NO_STREAMS:
        answer = attrs.evolve(stream.answer, content=stream.read(size=_BLOCK, whole=False), stream=None)
        words = describe(answer, masker=masker)
        raise TransportError(
            f"{stream.attempt.label}: expected a stream, got {words}",
            method=stream.attempt.method,
            url=masker.url(stream.attempt.shown),
            status_code=stream.answer.status,
        )


def _lines(stream: _Stream, heartbeats: Heartbeats | None) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    begun: list[str] = []
    held, length = "", 0
    while block := stream.read(size=_BLOCK, whole=False):
        *lines, last = _LINE.split(held + decoder.decode(block))
        if lines:
            lines[0] = "".join((*begun, lines[0]))
            if heartbeats and heartbeats.take(lines, now=time.monotonic()):
                stream.allow(heartbeats.limit)
            yield from lines
            begun, length = [], 0
        # A block may end between the two characters of a line break.
        held = "\r" if last.endswith("\r") else ""
        begun.append(last.removesuffix("\r"))
        length += len(last)
        if length > LONGEST:
            raise TransportError(f"{stream.attempt.label}: a line is longer than {LONGEST >> 20} MiB")
    rest = "".join((*begun, decoder.decode(b"", final=True)))
    if rest or held:
        yield rest
