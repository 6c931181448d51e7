"""The pace of the requests to one origin: how many go at once, and none while it asked for a pause."""

from __future__ import annotations

import logging
import math
import random
import threading
import time

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from typing import Final, TypeVar

from synapse.errors import TransportError
from synapse.session.retry import Retry

logger: Final = logging.getLogger("synapse")

stopping: Final[ContextVar[threading.Event | None]] = ContextVar("stopping", default=None)
"""Set by those who run workers: once the event is set, a worker that waits to send gives up."""

left: Final[ContextVar[threading.Event | None]] = ContextVar("left", default=None)
"""The same, but once it is set nothing is given up: what is under way then only holds no lane any more."""

widened: Final[ContextVar[int]] = ContextVar("widened", default=0)
"""Set by those who were told a number of workers: so many lanes there are while one of them has a turn or waits."""

_LOOK: Final = 0.1  # seconds between two looks at `stopping`
_ANEW: Final = (
    1.0  # and between two looks at the lanes, since an interrupt may swallow a word that one is free
)
_LONGEST: Final = 3600.0  # what a lock can wait for has an end


T = TypeVar("T")
R = TypeVar("R")


class StoppedError(TransportError):
    """Nobody waits for the answer to this request any more; it was not sent."""


class Turn:
    """The turn of one request: *again* says that it was refused before, *free* that it needs no lane."""

    __slots__ = ("again", "free", "gate", "inner", "lanes", "late", "left", "since", "stopping", "thread")

    def __init__(self, *, again: bool = False, free: bool = False) -> None:
        self.again, self.free = again, free
        self.lanes, self.left, self.stopping = widened.get(), left.get(), stopping.get()
        self.thread = threading.get_ident()
        self.inner = False
        self.since = self.late = 0.0
        self.gate: threading.Lock | None = None

    @property
    def needs_lane(self) -> bool:
        """Whether it holds a lane while it is under way; not if nobody waits for it, say after Ctrl-C."""
        gone = (self.left and self.left.is_set()) or (self.stopping and self.stopping.is_set())
        return not (self.free or gone)


class Pace:
    """Lets requests to one origin go: so many at once, none during a wait that it asked for, and fewer after it.

    Who comes first goes first, and those that were refused before all others. How many go at once is halved by a
    refusal and grows by one with each round that succeeds, until it is as many as before; everyone goes a little
    apart from the others. A request that is sent while its own thread has a turn, as while the body of an upload is
    read, waits for no lane.

    No lock here but a plain one is taken: Ctrl-C cannot leave it held.
    """

    def __init__(self, retry: Retry, *, lanes: float = math.inf, check_open: Callable[[], None]) -> None:
        self._retry, self._lanes, self._check_open = retry, lanes, check_open
        self._lock = threading.Lock()
        self._until = self._eased = -math.inf
        self._most = self._usual = math.inf
        self._refused: dict[Turn, None] = {}
        self._others: dict[Turn, None] = {}
        self.taken: set[Turn] = set()

    def enter(self, turn: Turn) -> None:
        """Wait for the turn, and take it."""
        self._check_open()
        with self._lock:
            at_once = (
                len(self.taken) < self._lanes
                and not (self._others or self._refused)
                and self._until == -math.inf
            )
            if at_once:
                turn.since = time.monotonic()
                self.taken.add(turn)
        if not at_once:
            self._wait(turn)

    def leave(self, turn: Turn, *, well: bool) -> None:
        """Give the turn back, taken or not; *well* says that the backend kept up."""
        with self._lock:
            self.taken.discard(turn)
            if self._most < math.inf:
                if well and turn.since > self._eased:
                    self._most += 1 / self._most
                if self._most >= self._usual:
                    self._most = math.inf
            elif self._until < turn.since:
                self._until = -math.inf
            if self._others or self._refused:
                self._hand_out()

    def hold(self, asked: float, *, turn: Turn, label: str) -> None:
        """Let nothing go for as long as the backend asked."""
        with self._lock:
            now = time.monotonic()
            fresh = now >= self._until
            self._until = max(self._until, now + asked)
            if turn.since > self._eased:  # what went before the last refusal was refused with it
                if self._most == math.inf:
                    self._usual = len(self.taken)
                self._most, self._eased = max(1.0, len(self.taken) // 2), now
        if fresh:  # whoever listens to the log may use this session
            logger.info("%s: waiting %.1f s, as the backend asked", label, asked)

    def wake(self) -> None:
        """Let those who wait see that the session was closed."""
        with self._lock:
            for turn in [*self._refused, *self._others]:
                _open(turn)

    def _wait(self, turn: Turn) -> None:
        turn.late = random.random() * min(self._retry.backoff, self._retry.cap)
        turn.gate = gate = threading.Lock()
        gate.acquire()
        line = self._others
        try:
            with self._lock:
                turn.inner = any(other.thread == turn.thread for other in list(self.taken))
                line = self._refused if turn.again or turn.inner else self._others
                line[turn] = None
            while (left := self._left(turn)) is not None:
                wait_for(partial(gate.acquire, True), left)
                self._check_open()
        finally:
            line.pop(turn, None)

    def _left(self, turn: Turn) -> float | None:
        """How many seconds until this one should look again; None once it has its turn."""
        with self._lock:
            self._hand_out()
            if turn in self.taken:
                return None
        left = self._until + turn.late - time.monotonic()
        return left if left > 0 else _ANEW

    def _hand_out(self) -> None:
        """Give turns to those whose wait is over, in order, as far as there is room; the lock is held."""
        now = time.monotonic()
        taken = list(self.taken)  # who is interrupted leaves without the lock
        room = self._most - len(taken)
        everyone = [*taken, *self._refused, *self._others]
        lanes = max([self._lanes, *[turn.lanes for turn in everyone]])
        lanes -= sum(turn.needs_lane for turn in taken)
        for line in (self._refused, self._others):
            for turn in list(line):
                free = turn.inner or (room >= 1 and (turn.free or lanes >= 1))
                if free and self._until + turn.late <= now:
                    turn.since = now
                    self.taken.add(turn)
                    line.pop(turn, None)
                    _open(turn)
                    room, lanes = room - 1, lanes - (not turn.free)
            if line:
                return  # those that were refused go first


def beside(function: Callable[[T], R], item: T, *, workers: int) -> R:
    """Call *function* with *item* as one of so many workers, each of whom has a lane."""
    before = widened.set(max(workers, widened.get()))
    try:
        return function(item)
    finally:
        widened.reset(before)


def wait_for(wait: Callable[[float], object], seconds: float) -> None:
    """Wait once, no longer than until a worker that nobody needs any more should notice."""
    stop = stopping.get()
    wait(min(seconds, _LONGEST if stop is None else _LOOK))
    if stop is not None and stop.is_set():
        raise StoppedError("nobody waits for the answer to this request any more; it was not sent")


def _open(turn: Turn) -> None:
    if turn.gate is not None and turn.gate.locked():
        turn.gate.release()
