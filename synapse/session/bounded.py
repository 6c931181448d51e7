"""Answers that come in time as a whole, not only bit by bit."""

from __future__ import annotations

import http.client
import io
import time

from typing import Any, Final

PATIENCE: Final = 5
"""How many read limits an answer may take from its first byte to its last."""


class TricklingError(TimeoutError):
    """An answer kept coming, but was not whole in time."""


class _Clock(io.RawIOBase):
    """Reads a socket until its time is over."""

    def __init__(self, source: io.RawIOBase, *, limit: float | None) -> None:
        self._source = source
        self._until = None if limit is None else time.monotonic() + PATIENCE * limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._until is not None and time.monotonic() > self._until:
            raise TricklingError
        return self._source.readinto(buffer)

    def stop(self) -> None:
        self._until = None

    def close(self) -> None:
        self._source.close()
        super().close()


class BrokenHeadError(http.client.HTTPException):
    """An answer ended within its headers."""


class _Lines(io.BufferedReader):
    """Remembers the last line that was read: `http.client` takes the end of the stream for the end of the headers."""

    last = b""

    def readline(self, size: int | None = -1) -> bytes:
        self.last = super().readline(size)
        return self.last


class _Timed:
    """Lends a socket to a response, which opens it as a file and nothing else."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        # The limit of a read was set on the socket right before.
        self.clock = _Clock(self._sock.makefile(mode, buffering=0), limit=self._sock.gettimeout())
        self.lines = _Lines(self.clock)
        return self.lines


class Response(http.client.HTTPResponse):
    """An HTTP response whose head and body must have come within `PATIENCE` times the limit of one read."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        timed = _Timed(sock)
        super().__init__(timed, *args, **kwargs)  # type: ignore[arg-type]
        self._clock, self._lines = timed.clock, timed.lines

    def begin(self) -> None:
        """Read the head, and refuse one that ends before its last line."""
        super().begin()
        if not self._lines.last.endswith(b"\n"):
            raise BrokenHeadError

    def take_your_time(self) -> None:
        """Leave only the limit of one read."""
        self._clock.stop()
