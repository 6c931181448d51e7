"""Reading ahead: several requests of a route in flight, their rows handed out in order."""

from __future__ import annotations

import contextvars
import os
import threading
import time
import warnings

from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.reading.route import Answer, Piece, Route, Window, fetch
from synapse.session.process import caller
from synapse.session.throttle import stopping, worker_limit

if TYPE_CHECKING:
    from synapse.dialects import Table
    from synapse.session import Session
    from synapse.session.decoding import Decode

BUSY: Final = 0.8
"""From this share of its time on, this machine's work is what takes long, and more requests at once do not help."""

IDLE: Final = 0.6
NEAR: Final = 0.005
"""Who waits less than this for an answer, in seconds, gains nothing by having other threads wait for it."""

FEW: Final = 8

Landed = tuple[Piece, Answer | BaseException]


class IncompleteReadWarning(UserWarning):
    """A result was read to its end, and fewer rows came than the backend counted."""


@attrs.frozen
class Source:
    """Where pages come from: a table, asked through a session, its answers read by `decode` where that is given."""

    table: Table
    session: Session
    decode: Decode | None = None

    def outcome_of(self, piece: Piece) -> Answer | Exception:
        """Fetch a page, keeping what it failed with as a value; one that takes too long is not tried again as it is."""
        try:
            request = attrs.evolve(piece.request, divisible=piece.size > 1)
            return fetch(self.table, request, session=self.session, decode=self.decode)
        except Exception as error:
            return error


class Crew:
    """Threads that fetch one page each and end; none of them ever waits for something to do."""

    def __init__(self, source: Source, *, workers: int) -> None:
        self._source, self._workers = source, workers
        self._landed: SimpleQueue[Landed] = SimpleQueue()
        self._stop = threading.Event()
        self.flying: dict[int, Piece] = {}

    def put(self, piece: Piece) -> None:
        """Fetch a piece beside whatever else is under way, in a copy of the caller's context."""
        context = contextvars.copy_context()
        context.run(stopping.set, self._stop)
        context.run(worker_limit.set, self._workers)
        self.flying[id(piece)] = piece
        threading.Thread(target=self._fetch, args=(piece, context), name="synapse-read", daemon=True).start()

    def landed(self, *, wait: bool) -> Landed | None:
        """Give what has come, or with *wait* what comes next."""
        if not wait and self._landed.empty():
            return None
        piece, outcome = self._landed.get()
        self.flying.pop(id(piece), None)
        return piece, outcome

    def close(self) -> None:
        """Send nothing more; requests under way end on their own."""
        self._stop.set()

    def _fetch(self, piece: Piece, context: contextvars.Context) -> None:
        outcome: Answer | BaseException
        try:
            outcome = context.run(self._source.outcome_of, piece)
        except BaseException as error:
            # Whoever waits for this piece has to hear of it, whatever it is.
            outcome = error
        self._landed.put((piece, outcome))


class Effort:
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

    def note(self, outcome: Answer | Exception, *, here: bool) -> None:
        """Count the work of a page that came; *here* says that the consumer fetched it itself, beside nothing else."""
        if isinstance(outcome, Answer):
            if not here:
                self._work += outcome.work
            elif self._pages == 0:
                self.wanted = 0 if outcome.seconds - outcome.work < NEAR else self._most

    def turn(self, *, waited: bool) -> None:
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
            self.wanted = max(self.wanted // 2 if self.wanted > 2 else 0, self._least)
        elif self._waited:
            self.wanted = min(2 * self.wanted, self._most)


class Walk:
    """Goes a route to its end. One thread at a time asks it for rows; nothing is sent but when they are asked for.

    The first page is read alone. Before it is handed out the next two requests are sent, and `workers` of them once
    a second page is asked for. With one worker nothing is read ahead.
    """

    def __init__(self, route: Route, source: Source, *, workers: int, plan: str) -> None:
        self.route, self._source, self._workers = route, source, workers
        self.plan = plan
        self.count: int | None = None
        self._crew = Crew(source, workers=workers)
        self._effort = Effort(workers)
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
        try:
            window = self._next()
        except BaseException:
            self.close()
            raise
        if window is None:
            self.close()
            if self.route.lacks is not None:
                given, counted = self.route.lacks
                _warn_of_missing_rows(self._source.table.schema.entity, given=given, counted=counted)
        return window

    def close(self) -> None:
        """Stop reading: nothing more is sent, and what is under way is not waited for."""
        self._closed = True
        self._crew.close()

    def _next(self) -> Window | None:
        waited = False
        while not self._closed:
            self._take_in()
            window = self.route.give()
            if window is not None:
                self._effort.turn(waited=waited)
                self._given += 1
                if self._workers > 1:
                    self._send()
                return window
            if self.route.done:
                return None
            waited = True
            self._wait()
        return None

    def _take_in(self) -> None:
        while (landed := self._crew.landed(wait=False)) is not None:
            self._land(landed)

    def _land(self, landed: Landed, *, here: bool = False) -> None:
        piece, outcome = landed
        if not isinstance(outcome, Answer | Exception):
            raise outcome
        if isinstance(outcome, Answer) and not self._given and self.count is None:
            self.count = outcome.page.count
        self._effort.note(outcome, here=here)
        self.route.land(piece, outcome)

    def _wait(self) -> None:
        """Have something come in: fetched here, where it is the only thing to do."""
        pieces = self._pieces(max(self._limit, 1))
        if len(pieces) == 1 and not self._crew.flying:
            self._land((pieces[0], self._source.outcome_of(pieces[0])), here=True)
            return
        for piece in pieces:
            self._crew.put(piece)
        landed = self._crew.landed(wait=True)
        assert landed is not None
        self._land(landed)

    def _send(self) -> None:
        for piece in self._pieces(self._limit):
            self._crew.put(piece)

    def _pieces(self, most: int) -> list[Piece]:
        """Take what may be sent now."""
        found: list[Piece] = []
        flying = len(self._crew.flying)
        # What waits to be handed out takes memory; but one request may always go, since that may be the first in order.
        room = max(2 * self._workers - self.route.held, 1)
        while flying + len(found) < min(most, room) and (piece := self.route.take()) is not None:
            found.append(piece)
        return found

    @property
    def _limit(self) -> int:
        if self._given == 0:
            return 1
        return min(2, self._effort.wanted) if self._asked == 1 else self._effort.wanted

    def _start_anew(self) -> None:
        """In a forked child the threads of the parent do not exist: ask anew for what they had under way."""
        self._process = os.getpid()
        under_way = list(self._crew.flying.values())
        self._crew = Crew(self._source, workers=self._workers)
        for piece in under_way:
            self._crew.put(piece)

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
