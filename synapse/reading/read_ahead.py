"""Reading ahead: several requests of a route in flight, their rows handed out in order."""

from __future__ import annotations

import contextvars
import os
import threading
import time
import warnings

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import SynapseError
from synapse.mapping.unset import UNSET
from synapse.reading.route import FetchedPage, PageRequest, Route, Window, fetch
from synapse.session.process import caller, waiting
from synapse.session.throttle import cancellation, check_stopped, stopping, worker_limit

if TYPE_CHECKING:
    from synapse.dialects import Table
    from synapse.session import Session
    from synapse.session.decoding import Decode

BUSY: Final = 0.8
"""From this share of its time on, this machine's work is what takes long, and more requests at once do not help."""

IDLE: Final = 0.6
FEW: Final = 8
_CHECK_STOPPED: Final = 0.1
"""A thread that works for a coroutine sees after this many seconds that it was cancelled."""

Completed = tuple[PageRequest, FetchedPage | BaseException]


class IncompleteReadWarning(UserWarning):
    """A result was read to its end, and fewer rows came than the backend counted."""


@attrs.frozen(eq=False, repr=False)
class PageSource:
    """Where pages come from: a table, asked through a session, its answers read by `decode` where that is given.

    `wanted` tells what the rows before were read for: of it, what lists leave out is fetched beside the next page.
    """

    table: Table
    session: Session
    decode: Decode | None = None
    wanted: Callable[[], Iterable[str]] = tuple

    def outcome_of(self, page: PageRequest) -> FetchedPage | Exception:
        """Fetch a page, keeping what it failed with as a value; one that takes too long is not tried again as it is."""
        try:
            request = attrs.evolve(page.request, divisible=page.size > 1)
            return fetch(self.table, request, session=self.session, decode=self.decode)
        except Exception as error:
            return error

    def lacking(self, page: FetchedPage) -> list[str]:
        """Name the fields to fetch for the rows of a page."""
        table = self.table
        if not page.found.rows:
            return []
        return [name for name in self.wanted() if name not in table.listed and table.lists_alone(name)]

    def fill(self, page: FetchedPage, names: Sequence[str]) -> None:
        """Put fields into the rows of a page; where that fails, whoever reads them loads them, and is told why."""
        keyed = zip(self.table.keys(page.found.rows), page.found.rows, strict=True)
        # A row without a key would have the backend refuse the question for all of them.
        rows = {key: row for key, row in keyed if key is not None}
        for name in names if rows else ():
            request = self.table.by_keys(list(rows), name)
            if request is None or len(rows) > self.table.traits.most_keys:
                continue
            with suppress(SynapseError):
                found = self.table.found(self.session.send(request), request)
                # What is too large for an answer is left out of its row, and loaded by whoever reads it.
                whole = [self.table.normalise(row) for row in found.rows]
                for key, row in zip(self.table.keys(whole), whole, strict=True):
                    value = self.table.value(row, name)
                    if key in rows and value is not UNSET:
                        rows[key][self.table.names[name]] = value


class RequestThreads:
    """Threads that fetch one page each and end; none of them ever waits for something to do."""

    def __init__(self, source: PageSource, *, workers: int) -> None:
        self._source, self._workers = source, workers
        self._completed: SimpleQueue[Completed] = SimpleQueue()
        self._stop = threading.Event()
        self.in_flight: dict[int, PageRequest] = {}
        self.room = 1
        """How many pages may wait or be under way."""

    def start(self, request: PageRequest) -> None:
        """Fetch a page beside whatever else is under way, in a copy of the caller's context."""
        # The current session and the caller's limits are context variables: a thread of its own would not see them.
        context = contextvars.copy_context()
        context.run(stopping.set, self._stop)
        context.run(worker_limit.set, self._workers)
        self.in_flight[id(request)] = request
        self._begin(request, context)

    def _begin(self, request: PageRequest, context: contextvars.Context) -> None:
        # A daemon: the end of the process, or Ctrl-C, does not wait for answers that nobody needs any more.
        threading.Thread(
            target=self._fetch, args=(request, context), name="synapse-read", daemon=True
        ).start()

    def completed(self, *, wait: bool) -> Completed | None:
        """Give what has come, or with *wait* what comes next."""
        if not wait and self._completed.empty():
            return None
        with waiting():
            request, outcome = self._next()
        self.in_flight.pop(id(request), None)
        return request, outcome

    def _next(self) -> Completed:
        while cancellation.get() is not None:
            # A coroutine that is cancelled does not wait for pages that are under way.
            check_stopped()
            with suppress(Empty):
                return self._completed.get(timeout=_CHECK_STOPPED)
        return self._completed.get()

    def close(self) -> None:
        """Send nothing more; requests under way end on their own."""
        self._stop.set()

    def _fetch(self, request: PageRequest, context: contextvars.Context) -> None:
        following: PageRequest | None = request
        while following is not None:
            request, outcome = following, self._outcome(following, context)
            try:
                following = self._following(request, outcome)
                if isinstance(outcome, FetchedPage) and (names := self._source.lacking(outcome)):
                    if following is not None:
                        # What the rows lack is fetched while the chain goes on.
                        self._begin(following, context.copy())
                        following = None
                    context.run(self._source.fill, outcome, names)
            finally:
                self._completed.put((request, outcome))

    def _outcome(self, request: PageRequest, context: contextvars.Context) -> FetchedPage | BaseException:
        try:
            return context.run(self._source.outcome_of, request)
        except BaseException as error:
            # Whoever waits for this page has to hear of it, whatever it is.
            return error

    def _following(self, request: PageRequest, outcome: FetchedPage | BaseException) -> PageRequest | None:
        """Give the request that an answer names: a chain goes on while the consumer is busy, if there is room."""
        if not isinstance(outcome, FetchedPage) or self._stop.is_set():
            return None
        if len(self.in_flight) >= self.room:
            return None
        following = request.following(outcome.found)
        if following is not None:
            self.in_flight[id(following)] = following
        return following


class Parallelism:
    """How many requests to have in flight: more while the consumer waits, none that this machine has no time for.

    Where answers come at once, threads only stand in each other's way: pages are then fetched when they are needed. It
    is decided anew after every few pages, since answers that came together are handed out one right after the other.
    """

    def __init__(self, workers: int) -> None:
        self._most = self.wanted = workers
        self._least = 0
        self._pages = 0
        self._waited = False
        self._since = self._own = self._work = 0.0

    def note(self, outcome: FetchedPage | Exception, *, here: bool) -> None:
        """Count the work of a page that came; *here* says that the consumer fetched it itself, beside nothing else."""
        if isinstance(outcome, FetchedPage):
            if not here:
                self._work += outcome.work
            elif self._pages == 0:
                # The first page is fetched alone, so that its time is the backend's and the network's, not a queue's.
                self.wanted = 0 if outcome.near else self._most

    def note_handed_out(self, *, waited: bool) -> None:
        """Look back, now that a page is handed out."""
        self._pages += 1
        self._waited = self._waited or waited
        if self._pages > FEW:
            work = self._work + max(time.thread_time() - self._own, 0.0)
            self._decide(work / max(time.perf_counter() - self._since, 1e-9))
        if self._pages == 1 or self._pages > FEW:
            self._since, self._own, self._work = time.perf_counter(), time.thread_time(), 0.0
            self._pages, self._waited = 1, False

    def _decide(self, busy: float) -> None:
        if self.wanted == 0:
            if busy < IDLE and self._waited:
                # Whoever waited in vain for answers to come at once does not try again.
                self.wanted = self._least = min(2, self._most)
        elif busy >= BUSY:
            # Parsing holds the interpreter: with a backend in the same room, eight threads are slower than none.
            self.wanted = max(self.wanted // 2 if self.wanted > 2 else 0, self._least)
        elif self._waited:
            self.wanted = min(2 * self.wanted, self._most)


class ReadAhead:
    """Goes a route to its end. One thread at a time asks it for rows; nothing is sent but when they are asked for.

    The first page is read alone. Before it is handed out the next two requests are sent, and `workers` of them once
    a second page is asked for. With one worker nothing is read ahead.
    """

    def __init__(self, route: Route, source: PageSource, *, workers: int, plan: str) -> None:
        self.route, self._source, self._workers = route, source, workers
        self.plan = plan
        self.count: int | None = None
        self._threads = RequestThreads(source, workers=workers)
        self._parallelism = Parallelism(workers)
        self._given = 0
        self._asked = 0
        self._process = os.getpid()
        self._closed = False

    def next(self) -> Window | None:
        """Give the next rows, or None when there are no more."""
        if self._closed:
            return None
        if self._process != os.getpid():
            self._start_anew()
        self._asked += 1
        # Whatever interrupts this may have lost an answer, Ctrl-C included: nothing may be read on behind the gap.
        try:
            window = self._next()
        except BaseException:
            self.close()
            raise
        if window is None:
            self.close()
            if self.route.shortfall is not None:
                given, counted = self.route.shortfall
                _warn_of_missing_rows(self._source.table.schema.entity, given=given, counted=counted)
        return window

    def close(self) -> None:
        """Stop reading: nothing more is sent, and what is under way is not waited for."""
        self._closed = True
        self._threads.close()

    def _next(self) -> Window | None:
        waited = False
        while not self._closed:
            self._receive_completed()
            window = self.route.ready_rows()
            if window is not None:
                self._parallelism.note_handed_out(waited=waited)
                self._given += 1
                if self._workers > 1:
                    self._send()
                return window
            if self.route.done:
                return None
            waited = True
            self._wait()
        return None

    def _receive_completed(self) -> None:
        while (completed := self._threads.completed(wait=False)) is not None:
            self._receive(completed)

    def _receive(self, completed: Completed, *, here: bool = False) -> None:
        request, outcome = completed
        if not isinstance(outcome, FetchedPage | Exception):
            raise outcome
        # What the first page counted is the size of the whole, which the flat client returns beside the rows.
        if isinstance(outcome, FetchedPage) and not self._given and self.count is None:
            self.count = outcome.found.count
        self._parallelism.note(outcome, here=here)
        self.route.receive(request, outcome)

    def _wait(self) -> None:
        """Have something come in: fetched here, where it is the only thing to do."""
        requests = self._next_requests(max(self._limit, 1))
        if len(requests) == 1 and not self._threads.in_flight:
            self._receive((requests[0], self._source.outcome_of(requests[0])), here=True)
            return
        for request in requests:
            self._threads.start(request)
        completed = self._threads.completed(wait=True)
        assert completed is not None
        self._receive(completed)

    def _send(self) -> None:
        for request in self._next_requests(self._limit):
            self._threads.start(request)

    def _next_requests(self, most: int) -> list[PageRequest]:
        """Take what may be sent now."""
        found: list[PageRequest] = []
        self._threads.room = most
        in_flight = len(self._threads.in_flight)
        # What waits to be handed out takes memory; but one request may always go, since that may be the first in order.
        room = max(2 * self._workers - self.route.buffered, 1)
        while in_flight + len(found) < min(most, room) and (request := self.route.next_request()) is not None:
            found.append(request)
        return found

    @property
    def _limit(self) -> int:
        if self._given == 0:
            return 1
        return min(2, self._parallelism.wanted) if self._asked == 1 else self._parallelism.wanted

    def _start_anew(self) -> None:
        """In a forked child the threads of the parent do not exist: ask anew for what they had under way."""
        self._process = os.getpid()
        # What was named by an answer that nobody has taken in is named by it again.
        under_way = [each for each in self._threads.in_flight.values() if not each.ahead]
        self._threads = RequestThreads(self._source, workers=self._workers)
        for request in under_way:
            request.follower = None
            self._threads.start(request)

    def __del__(self) -> None:
        self.close()

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say where to go on once so many rows of a window were handed out."""
        return self.route.state(window, taken)


def _warn_of_missing_rows(what: str, *, given: int, counted: int) -> None:
    """Warn that fewer rows came than were counted."""
    file, line = caller()
    message = (
        f"{given:,} rows of {what} came, but the backend counted {counted:,}: rows were added and removed while they "
        "were read, or its order or its count do not hold. Read again, in the order of the key and while nobody writes"
    )
    warnings.warn_explicit(message, IncompleteReadWarning, file, line)
