"""The pace that a backend asks for, kept by all workers of a session together."""

from __future__ import annotations

import logging
import math
import random
import threading
import time

from collections.abc import Callable
from contextvars import ContextVar
from typing import Final

from synapse.errors import TransportError
from synapse.session.retry import Retry

logger: Final = logging.getLogger("synapse")

stopping: Final[ContextVar[threading.Event | None]] = ContextVar("stopping", default=None)
"""Set by those who run workers: once the event is set, a worker that waits to send gives up."""

_LOOK: Final = 0.1  # seconds between two looks at `stopping`


class StoppedError(TransportError):
    """Nobody waits for the answer to this request any more; it was not sent."""


class Pace:
    """Lets requests to one origin go: none during a wait that it asked for, and fewer at once for a while after it.

    How many go at once is halved by a refusal and grows by one with each round that succeeds, until it is as many as
    before. Those that were refused go first, and everyone a little apart from the others.
    """

    def __init__(self, retry: Retry, *, check_open: Callable[[], None]) -> None:
        self._retry = retry
        self._check_open = check_open
        self._changed = threading.Condition()
        self._until = self._eased = -math.inf
        self._most = self._usual = math.inf
        self._flying = self._refused = 0

    def enter(self, *, again: bool = False) -> float:
        """Wait for a turn and take it; what this gives, the other methods ask for."""
        with self._changed:
            if self._until > -math.inf:
                self._wait(again)
            self._flying += 1
            return time.monotonic()

    def leave(self, entered: float, *, well: bool) -> None:
        """Give the turn back; *well* says that the backend kept up."""
        with self._changed:
            self._flying -= 1
            if self._most == math.inf:
                return
            if well and entered > self._eased:
                self._most += 1 / self._most
            if self._most >= self._usual:
                self._most = math.inf
            self._changed.notify_all()

    def hold(self, asked: float, *, entered: float, label: str) -> None:
        """Let nothing go for as long as the backend asked, within the longest wait that is allowed."""
        seconds = min(asked, self._retry.max_wait)
        with self._changed:
            now = time.monotonic()
            if now >= self._until:
                _say(asked, seconds, label=label)
            self._until = max(self._until, now + seconds)
            if entered > self._eased:  # what went before the last refusal was refused with it
                if self._most == math.inf:
                    self._usual = self._flying
                self._most, self._eased = max(1.0, self._flying // 2), now

    def wake(self) -> None:
        """Let those who wait see that the session was closed."""
        with self._changed:
            self._changed.notify_all()

    def _wait(self, again: bool) -> None:
        late = random.random() * min(self._retry.backoff, self._retry.cap)
        self._refused += again
        try:
            while (left := self._left(late, again)) > 0:
                self._check_open()
                wait_for(self._changed.wait, left)
            self._check_open()
        finally:
            self._refused -= again
            if again:
                self._changed.notify_all()

    def _left(self, late: float, again: bool) -> float:
        """How many seconds until this one may go; without end where it depends on the others."""
        left = self._until + late - time.monotonic()
        if left <= 0 and (self._flying >= int(min(self._most, 1e9)) or (self._refused and not again)):
            return math.inf
        return left


def wait_for(wait: Callable[[float | None], object], seconds: float) -> None:
    """Wait once, no longer than until a worker that nobody needs any more should notice."""
    stop = stopping.get()
    if stop is not None:
        seconds = min(seconds, _LOOK)
    wait(None if seconds == math.inf else seconds)
    if stop is not None and stop.is_set():
        raise StoppedError("nobody waits for the answer to this request any more; it was not sent")


def _say(asked: float, seconds: float, *, label: str) -> None:
    if asked > seconds:
        logger.info(
            "%s: waiting %.1f s; the backend asked for %.1f s, and Retry(max_wait=…) allows no more",
            label,
            seconds,
            asked,
        )
    else:
        logger.info("%s: waiting %.1f s, as the backend asked", label, seconds)
