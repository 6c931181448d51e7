"""Answers that keep to HTTP, and come in time as a whole, not only bit by bit."""

from __future__ import annotations

import http.client
import io
import time

from typing import Any, Final

from synapse.session.handlers import let_through

_SWITCHING: Final = 101
_INTERIM: Final = 100
"""So many answers ahead of the answer are read over."""


class LateError(TimeoutError):
    """An answer began to come and was not whole in time; `stalled` says that it had stopped coming long before."""

    def __init__(self, *, stalled: bool) -> None:
        super().__init__()
        self.stalled = stalled


class _Clock(io.RawIOBase):
    """Reads a socket until the time of the answer is over: each read has what is left of it."""

    def __init__(self, sock: Any, source: io.RawIOBase) -> None:
        self._sock, self._source = sock, source
        # The limit was set on the socket right before.
        self._limit: float | None = sock.gettimeout()
        self._bounded = self._limit is not None
        self._until = time.monotonic() + (self._limit or 0)
        self._came: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._bounded:
            return self._source.readinto(buffer)
        left = self._until - time.monotonic()
        if left > 0:
            self._sock.settimeout(left)
            try:
                count = self._source.readinto(buffer)
            except TimeoutError as error:
                let_through(error)
            else:
                self._came = time.monotonic()
                return count
        if self._came is None:
            raise TimeoutError
        raise LateError(stalled=2 * (time.monotonic() - self._came) >= (self._limit or 0))

    def stop(self) -> None:
        """Give each read the whole limit."""
        self.allow(self._limit)

    def allow(self, seconds: float | None) -> None:
        """Give each read so many seconds."""
        self._bounded, self._limit = False, seconds
        self._sock.settimeout(seconds)

    def close(self) -> None:
        self._source.close()
        super().close()


class BrokenHeadError(http.client.HTTPException):
    """An answer ended within its headers."""


class OddAnswerError(http.client.HTTPException):
    """An answer does not keep to HTTP."""


class _Lines(io.BufferedReader):
    """Remembers the last line that was read: `http.client` takes the end of the stream for the end of the headers."""

    last = b""

    def readline(self, size: int | None = -1) -> bytes:
        self.last = super().readline(size)
        return self.last

    def read(self, size: int | None = -1) -> bytes:
        return super().read(_counted(size))

    def read1(self, size: int = -1) -> bytes:
        return super().read1(_counted(size))


def _counted(size: int | None) -> int:
    # `http.client` takes a chunk of negative size for one without end.
    if size is None or size < 0:
        raise OddAnswerError("a chunk of negative size")
    return size


class _Timed:
    """Lends a socket to a response, which opens it as a file and nothing else."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        self.clock = _Clock(self._sock, self._sock.makefile(mode, buffering=0))
        self.lines = _Lines(self.clock)
        return self.lines


class Response(http.client.HTTPResponse):
    """An HTTP response whose head and body must have come within the limit of one read."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        timed = _Timed(sock)
        super().__init__(timed, *args, **kwargs)  # type: ignore[arg-type]
        self._clock, self._lines = timed.clock, timed.lines

    def begin(self) -> None:
        """Read the head, and refuse one that ends before its last line, or after which another protocol is spoken."""
        super().begin()
        if not self._lines.last.endswith(b"\n"):
            raise BrokenHeadError
        if self.status == _SWITCHING:
            raise OddAnswerError("another protocol")

    def _read_status(self) -> tuple[str, int, str]:
        """Read over what comes ahead of the answer: taken for it, it would leave the answer to the next request."""
        for _ in range(_INTERIM):
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 100 <= found[1] < 200 or found[1] == _SWITCHING:
                return found
            http.client.parse_headers(self._lines)
        raise OddAnswerError("no answer behind its announcements")

    def take_your_time(self) -> None:
        """Leave only the limit of one read."""
        self._clock.stop()

    def allow(self, seconds: float | None) -> None:
        """Give each read so many seconds, or as many as it takes."""
        self._clock.allow(seconds)
