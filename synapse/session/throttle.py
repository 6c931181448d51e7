"""The throttle in front of one origin: how many requests run at once, and none while it asked for a pause."""

from __future__ import annotations

import logging
import math
import random
import socket
import threading
import time

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, TypeVar

from synapse.errors import TransportError
from synapse.session.rate import Pace
from synapse.session.retry import Retry

logger: Final = logging.getLogger("synapse")

stopping: Final[ContextVar[threading.Event | None]] = ContextVar("stopping", default=None)
"""Set by those who run workers: once the event is set, a worker that waits to send gives up."""

abandoned: Final[ContextVar[threading.Event | None]] = ContextVar("abandoned", default=None)
"""Set by those who run workers: once the event is set, requests under way go on, but count for no limit any more."""

worker_limit: Final[ContextVar[int]] = ContextVar("worker_limit", default=0)
"""Set by calls with a `workers=` of their own: the limit is at least this while one of their requests runs or waits."""

# A worker sees that `stopping` was set after this many seconds at the latest.
_CHECK_STOPPING: Final = 0.1
# A waiting request looks again for a free slot after this many seconds: an interrupt may have swallowed the wake-up.
_CHECK_SLOTS: Final = 1.0
# A wait for the session's rate is logged from this many seconds on: with "1000/h" it may last an hour.
_TOLD_WAIT: Final = 5.0
# No lock waits longer than `threading.TIMEOUT_MAX`, and `Retry(max_wait=1e30)` may ask for that.
_LONGEST_WAIT: Final = 3600.0


T = TypeVar("T")
R = TypeVar("R")


# --- calls that nobody waits for any more -------------------------------------
class StoppedError(TransportError):
    """Nobody waits for the answer to this request any more; it was not sent."""


class Cancellation:
    """Ends one call, whatever threads it has: nothing more is sent, and it is known whether it has begun to write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = self._is_cut = False
        self._limit = 0.0
        self._receiving: list[Any] = []

    def is_set(self) -> bool:
        """Whether nobody awaits the call any more."""
        return self._set

    def set(self) -> float:
        """End the call; return in how many seconds its writes are answered at the latest, 0 if there were none."""
        with self._lock:
            self._set = True
            return self._limit

    def begin_write(self, limit: float) -> None:
        """Note a write that is answered within *limit* seconds; once the call has ended, raise `StoppedError`."""
        # Under one lock, so that a write has either begun before the call is ended, or is never sent.
        with self._lock:
            if self._set:
                raise stopped()
            self._limit = max(self._limit, limit)

    @contextmanager
    def receiving(self, sock: Any) -> Iterator[None]:
        """Know a socket while a thread waits for what comes by it."""
        with self._lock:
            if self._is_cut:
                raise ConnectionAbortedError
            self._receiving.append(sock)
        try:
            yield
        finally:
            with self._lock:
                self._receiving.remove(sock)

    def cut(self) -> None:
        """End what the call is receiving, so that no thread of it is left."""
        # Under the lock, since a socket that was released may serve another call.
        with self._lock:
            self._is_cut = True
            for sock in self._receiving:
                with suppress(OSError, TypeError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


cancellation: Final[ContextVar[Cancellation | None]] = ContextVar("cancellation", default=None)
"""The call of a coroutine that a thread works for, which ends when that is cancelled."""


def stopped() -> StoppedError:
    """Make the error of a request that is not sent any more."""
    return StoppedError("nobody waits for the answer to this request any more; it was not sent")


def may_stop() -> bool:
    """Whether somebody may stop this thread, so that it has to look now and then while it waits."""
    return stopping.get() is not None or cancellation.get() is not None


def is_stopped() -> bool:
    """Whether nobody waits any more for what this thread does."""
    stop, call = stopping.get(), cancellation.get()
    return (stop is not None and stop.is_set()) or (call is not None and call.is_set())


def check_stopped() -> None:
    """Raise `StoppedError` if nobody waits any more for what this thread does."""
    if is_stopped():
        raise stopped()


def check_cancelled() -> None:
    """Raise `StoppedError` if this thread works for a coroutine that was cancelled."""
    call = cancellation.get()
    if call is not None and call.is_set():
        raise stopped()


def begin_write(limit: float) -> None:
    """Note a write that is being sent for the call of a coroutine, if this thread works for one."""
    call = cancellation.get()
    if call is not None:
        call.begin_write(limit)


# --- the limit of requests --------------------------------------------------------
class Slot:
    """The slot that one request waits for and holds while it runs.

    A *retried* request was refused before and goes ahead of new ones. An *uncounted* one stays open after its answer
    has begun, as a stream does, and counts for no limit.
    """

    __slots__ = (
        "abandoned",
        "call",
        "jitter",
        "nested",
        "ready",
        "retried",
        "started",
        "stopping",
        "thread",
        "uncounted",
        "worker_limit",
    )

    def __init__(self, *, retried: bool = False, uncounted: bool = False) -> None:
        self.retried, self.uncounted = retried, uncounted
        self.worker_limit, self.abandoned, self.stopping = worker_limit.get(), abandoned.get(), stopping.get()
        self.call = cancellation.get()
        self.thread = threading.get_ident()
        self.nested = False
        self.started = self.jitter = 0.0
        self.ready: threading.Lock | None = None

    @property
    def counts(self) -> bool:
        """Whether it counts for the limit; not once nobody waits for its answer, say after Ctrl-C."""
        gone = any(each.is_set() for each in (self.abandoned, self.stopping, self.call) if each is not None)
        return not (self.uncounted or gone)


class Throttle:
    """Limits the requests that run at once, and holds all of them back while the origin asked for a pause.

    Requests start in the order in which they came, retried ones first. A refusal halves the limit; each round of
    successes raises it by one, until it is what it was before. After a pause, requests start a little apart from
    each other. *pace*, which all throttles of a session share, says when the next one may start at all. A request
    that its thread sends while another one of it runs, as while the body of an upload is read, waits for no slot:
    it would wait for itself.
    """

    # Only plain locks, held by `with` for a few steps: Ctrl-C cannot leave one held, as it can a Condition.

    def __init__(
        self,
        retry: Retry,
        *,
        workers: float = math.inf,
        pace: Pace | None = None,
        check_open: Callable[[], None],
    ) -> None:
        self._retry, self._workers, self._pace, self._check_open = retry, workers, pace, check_open
        self._lock = threading.Lock()
        self._paused_until = self._reduced_at = -math.inf
        self._limit = self._limit_before = math.inf
        # Dicts serve as ordered sets: a request that gives up leaves in one step, without the lock.
        self._retried: dict[Slot, None] = {}
        self._new: dict[Slot, None] = {}
        self.running: set[Slot] = set()

    def acquire(self, slot: Slot) -> None:
        """Wait for the slot, and take it."""
        self._check_open()
        check_stopped()
        with self._lock:
            # Most requests meet no queue: they must not pay for a lock of their own, and for jitter.
            at_once = (
                len(self.running) < self._workers
                and not (self._new or self._retried)
                and self._paused_until == -math.inf
            )
            now = time.monotonic()
            at_once = at_once and (self._pace is None or self._pace.claim(now))
            if at_once:
                slot.started = now
                self.running.add(slot)
        if not at_once:
            self._wait(slot)

    def release(self, slot: Slot, *, succeeded: bool) -> None:
        """Give the slot back, whether it was taken or not; *succeeded* says that the backend kept up."""
        with self._lock:
            self.running.discard(slot)
            if self._limit < math.inf:
                # A request that started before the limit was reduced says nothing of how the backend copes since.
                if succeeded and slot.started > self._reduced_at:
                    self._limit += 1 / self._limit
                if self._limit >= self._limit_before:
                    self._limit = math.inf
            elif self._paused_until < slot.started:
                self._paused_until = -math.inf
            if self._new or self._retried:
                self._start_waiting()

    def pause(self, seconds: float, *, slot: Slot, label: str) -> None:
        """Start nothing for as many seconds as the backend asked for, and fewer at once from then on."""
        with self._lock:
            now = time.monotonic()
            is_first = now >= self._paused_until
            self._paused_until = max(self._paused_until, now + seconds)
            # Eight requests that ran together and are all refused are one refusal, and halve the limit once.
            if slot.started > self._reduced_at:
                if self._limit == math.inf:
                    self._limit_before = len(self.running)
                self._limit, self._reduced_at = max(1.0, len(self.running) // 2), now
        # Outside of the lock: a logging handler may send a request of its own through this throttle.
        if is_first:
            logger.info("%s: waiting %.1f s, as the backend asked", label, seconds)

    def wake(self) -> None:
        """Let waiting requests see that the session was closed."""
        with self._lock:
            for slot in [*self._retried, *self._new]:
                _wake(slot)

    def _wait(self, slot: Slot) -> None:
        # Without jitter, all that waited for the same pause would start at its very end, and be refused together.
        slot.jitter = random.random() * min(self._retry.backoff, self._retry.cap)
        slot.ready = ready = threading.Lock()
        ready.acquire()
        queue = self._new
        try:
            with self._lock:
                slot.nested = any(other.thread == slot.thread for other in list(self.running))
                queue = self._retried if slot.retried or slot.nested else self._new
                queue[slot] = None
            if self._pace is not None and (left := self._pace.left(time.monotonic())) > _TOLD_WAIT:
                logger.info("waiting %.0f s: the session's rate of %s is used up", left, self._pace.rate)
            while (seconds := self._seconds_left(slot)) is not None:
                wait_once(partial(ready.acquire, True), seconds)
                self._check_open()
        finally:
            queue.pop(slot, None)

    def _seconds_left(self, slot: Slot) -> float | None:
        """Return the seconds until this request should look again; None once it has its slot."""
        with self._lock:
            self._start_waiting()
            if slot in self.running:
                return None
        now = time.monotonic()
        left = self._paused_until + slot.jitter - now
        if self._pace is not None:
            left = max(left, self._pace.left(now))
        return left if left > 0 else _CHECK_SLOTS

    def _start_waiting(self) -> None:
        """Give slots to waiting requests in order, as far as the limits allow; the lock is held."""
        now = time.monotonic()
        # Copies: a request that is interrupted leaves these without the lock.
        running = list(self.running)
        everyone = [*running, *self._retried, *self._new]
        # Two limits: that of refusals counts everything, that of workers leaves out streams and abandoned requests.
        room = self._limit - len(running)
        workers = max([self._workers, *[slot.worker_limit for slot in everyone]])
        workers -= sum(slot.counts for slot in running)
        for queue in (self._retried, self._new):
            for slot in list(queue):
                fits = slot.nested or (room >= 1 and (slot.uncounted or workers >= 1))
                if fits and self._paused_until + slot.jitter <= now:
                    if self._pace is not None and not self._pace.claim(now):
                        return
                    slot.started = now
                    self.running.add(slot)
                    queue.pop(slot, None)
                    _wake(slot)
                    room, workers = room - 1, workers - (not slot.uncounted)
            if queue:
                return  # a new request must not overtake a retried one


def with_workers(function: Callable[[T], R], item: T, *, workers: int) -> R:
    """Call *function* with *item* in one of so many workers, and raise the limit of requests to their number."""
    before = worker_limit.set(max(workers, worker_limit.get()))
    try:
        return function(item)
    finally:
        worker_limit.reset(before)


def wait_once(wait: Callable[[float], object], seconds: float) -> None:
    """Wait once, shorter than asked where a stopped worker should notice; raise `StoppedError` in that one."""
    wait(min(seconds, _CHECK_STOPPING if may_stop() else _LONGEST_WAIT))
    check_stopped()


def _wake(slot: Slot) -> None:
    if slot.ready is not None and slot.ready.locked():
        slot.ready.release()
