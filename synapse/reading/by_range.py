"""Reading by ranges of keys: where to cut, and what each answer tells about the rest.

Keys are held as positions, which ascend in the order of the result: the keys themselves, or their negatives.
"""

from __future__ import annotations

import math
import operator

from typing import Any, Final

import attrs

from synapse.dialects import Found, Request, Table
from synapse.errors import NotFoundError, TransportError
from synapse.query import Condition, Gt, Lt, Query
from synapse.query.kinds import LARGEST
from synapse.reading.checkpoint import Seen, Trail
from synapse.reading.route import (
    Answer,
    Passed,
    Piece,
    Sizing,
    Window,
    check_empty,
    may_be_smaller,
    missing,
    numbers_of,
)

FEW_PAGES: Final = 2
"""So many pages are walked one after the other: to cut them would cost more than it saves."""


RUN: Final = 4
"""From this many times as dense as what is left on, a page is taken for part of a run of keys."""

RUN_PAGES: Final = 8
"""So many pages of a run are asked for before it is looked whether it goes on."""


@attrs.define(eq=False)
class Stretch:
    """Positions that nobody was asked for yet, and how many rows they seem to hold.

    `until` is unknown before the backend told where the keys end; behind an `open` one rows may be added. `density`
    is that of the page before it, in rows to a key; `run` says that this one was taken to be as dense.
    """

    after: int
    until: int | None
    rows: float
    open: bool
    density: float = 1.0
    run: bool = False


@attrs.define(eq=False, kw_only=True)
class Span(Piece):
    """One page of a range: the rows behind `after`, up to `until` where that is set."""

    after: int | None = None
    until: int | None = None
    number: int = 1
    empty: int = 0
    expected: float = 0
    source: Stretch | None = None
    before: Passed | None = None


@attrs.define(eq=False, kw_only=True)
class Probe(Piece):
    """The rows at one end of the keys: `down` from the highest, else up from the lowest."""

    down: bool


class Ranges:
    """The route of a query in the order of its key. `cuts` is off where the wire bounds keys on one side only."""

    def __init__(
        self,
        table: Table,
        query: Query,
        *,
        sizing: Sizing,
        cuts: bool = True,
        state: dict[str, Any] | None = None,
    ) -> None:
        state = state or {}
        after, place = state.get("key"), state.get("place", 0)
        self._table, self._query = table, query
        self._sizing, self._cuts = sizing, cuts
        self._sign = -1 if query.order[0].startswith("-") else 1
        self._trail = Trail(self._keys, state=state)
        self._place = self._due = place
        self._first = self._span(None if after is None else self._sign * after, None)
        self._nodes: list[Span | Stretch] = [self._first]
        self._probes: list[Probe] = []
        self._end: int | None = None
        self._doubted = False
        self._edge: list[Any] = []
        self.lacks: tuple[int, int] | None = None

    # --- what to ask ----------------------------------------------------------
    def take(self) -> Piece | None:
        """Give the next request that can be sent now: the ranges in order, then where the keys end."""
        planned = self._place
        for index, node in enumerate(self._nodes):
            if node is not self._nodes[0] and self._query.stop is not None and planned >= self._query.stop:
                break
            if isinstance(node, Stretch):
                if node.until is None:
                    break
                return self._send(self._cut(index, node, node.until))
            if node.error is not None:
                return None
            if not node.sent:
                return self._send(node)
            if node.hesitant:
                return None
            planned += math.ceil(node.expected) if node.rows is None else len(node.rows)
        return next((self._send(probe) for probe in self._probes if not probe.sent), None)

    @staticmethod
    def _send(piece: Piece) -> Piece:
        piece.sent = True
        return piece

    def _span(self, after: int | None, until: int | None, **more: Any) -> Span:
        if until is not None and until >= (LARGEST if self._sign > 0 else 0):
            until = None
        size = more.pop("size", self._sizing.size)
        query, number = self._bounded(after, until), more.get("number", 1)
        request = self._table.select(query, at=number if number > 1 else None, size=size)
        return Span(request, size, after=after, until=until, **more)

    def _bounded(self, after: int | None, until: int | None) -> Query:
        pk, add, where = self._table.schema.pk, self._table.catalog.add, self._query.where
        lower, upper = (Gt, Lt) if self._sign > 0 else (Lt, Gt)
        if after is not None:
            where = add(where, Condition(pk, lower, self._sign * after))
        if until is not None:
            where = add(where, Condition(pk, upper, self._sign * (until + 1)))
        return attrs.evolve(self._query, where=where)

    def _probe(self, *, reverse: bool) -> Probe:
        """Ask for the two rows at one end: where the keys end, and whether the backend honours the order at all."""
        pk = self._table.schema.pk
        down = (self._sign < 0) is not reverse
        bare = attrs.evolve(
            self._query, order=(f"-{pk}" if down else pk,), only=(pk,), defer=(), expand=(), prefetch=()
        )
        return Probe(self._table.select(bare, size=2), 2, down=down)

    def _cut(self, index: int, stretch: Stretch, until: int) -> Span:
        """Cut a range of about a page off a stretch."""
        keys, rows = until - stretch.after, max(stretch.rows, 1.0)
        width = self._width(min(rows / keys, 1.0))
        if width >= keys:
            span = self._span(stretch.after, None if stretch.open else until, expected=rows)
            self._nodes[index] = span
        else:
            expected = rows * width / keys
            span = self._span(stretch.after, stretch.after + width, expected=expected, source=stretch)
            stretch.after += width
            stretch.rows = rows - expected
            self._nodes.insert(index, span)
        return span

    def _width(self, density: float) -> int:
        """Choose how many keys to ask for, so that a page holds their rows most of the time."""
        most = self._sizing.hoped
        wanted = most - 2 * math.sqrt(most * (1 - density))
        return max(most, int(max(wanted, most / 2) / density))

    # --- what came ------------------------------------------------------------
    def land(self, piece: Piece, outcome: Answer | Exception) -> None:
        """Take in what became of a request."""
        if isinstance(piece, Probe):
            self._take_end(piece, outcome)
        elif not isinstance(piece, Span) or piece not in self._nodes:
            return  # the slice was full before this came
        elif isinstance(outcome, Exception):
            self._refused(piece, outcome)
        else:
            try:
                self._take_rows(piece, outcome)
            except TransportError as error:
                piece.error = error

    def _take_rows(self, span: Span, answer: Answer) -> None:
        page = answer.page
        keys = self._keys(page.rows)
        if span is self._first and page.count is not None:
            self._due = self._place + page.count
        rows = self._checked(span, page, keys)
        left = None if page.count is None or span.number > 1 else max(page.count - len(page.rows), 0)
        if span.source is not None and page.count is not None:
            self._learn(span.source, span.expected, page.count)
        more = bool(page.next or (left and rows))
        self._sizing.note(
            answer, asked=span.size, more=more, long=span.source is not None or self._is_long(left)
        )
        if more:
            where = self._nodes.index(span) + 1
            rest = self._rest(span, page, [key for key in keys if key is not None], left=left)
            self._nodes[where:where] = rest
            if rest and keys and keys[-1] is None:
                rows = self._up_to_key(rows)
        elif left:
            self.lacks = (self._place, self._place + left)
        span.rows = rows

    @staticmethod
    def _learn(stretch: Stretch, expected: float, counted: int) -> None:
        """Correct what a stretch seems to hold: a run that ended is no longer one, and rows not here are further on."""
        if not stretch.run:
            stretch.rows = max(stretch.rows + expected - counted, 0.0)
        elif counted < expected / 2:
            stretch.rows = 0.0

    def _is_long(self, left: int | None) -> bool:
        return self._cuts and left is not None and left > FEW_PAGES * self._sizing.real

    def _rest(self, span: Span, page: Found, keys: list[Any], *, left: int | None) -> list[Span | Stretch]:
        """Say what is to be read behind a page that did not hold the whole of its range."""
        passed = Passed(page, (span.number - 1) * span.size, span.size)
        if not keys:
            check_empty(span.request, span.empty + 1)
            more: dict[str, Any] = {"number": span.number + 1, "empty": span.empty + 1, "before": passed}
            return [self._span(span.after, span.until, size=span.size, **more)]
        last = self._sign * keys[-1]
        if span.until is not None and last >= span.until:
            return []
        if left is None or not self._is_long(left):
            expected = self._sizing.real if left is None else left
            return [self._span(last, span.until, expected=expected, before=passed)]
        density = len(keys) / (last - self._sign * keys[0] + 1)
        if span.until is not None:
            return self._stretches(Stretch(last, span.until, left, False, density), span.until)
        if self._end is None:
            return self._onward(last, density=density, left=left)
        if last < self._end:
            return self._stretches(Stretch(last, self._end, left, True, density), self._end)
        return [self._span(last, None, expected=left, before=passed)]

    def _onward(self, last: int, *, density: float, left: int) -> list[Span | Stretch]:
        """Ask on behind the first page, as dense as that was, while another request tells where the keys end."""
        if not self._probes:
            self._probes.append(self._probe(reverse=True))
        width = self._width(min(density, 1.0))
        expected = min(width * density, float(left))
        ahead = self._span(last, last + width, expected=expected)
        if ahead.until is None:
            return [ahead]
        return [ahead, Stretch(last + width, None, left - expected, open=True, density=density)]

    def _stretches(self, whole: Stretch, until: int) -> list[Span | Stretch]:
        """Say where rows are looked for: evenly, or in a run as dense as the page before, and at what follows that.

        Rows that were made together have keys in a run, and a long gap may follow, which one request leads across.
        """
        whole.until = until
        run = min(whole.rows, RUN_PAGES * self._sizing.real)
        after = whole.after + math.ceil(run / whole.density)
        if whole.density * (until - whole.after) < RUN * whole.rows or after >= until or run < 1:
            return [whole]
        behind = self._span(after, None if whole.open else until, expected=whole.rows - run)
        return [Stretch(whole.after, after, run, False, whole.density, run=True), behind]

    def _take_end(self, probe: Probe, outcome: Answer | Exception) -> None:
        """Learn where the keys end; without that, the walk goes on from page to page."""
        if probe not in self._probes:
            return  # all rows were there before this came
        self._probes.remove(probe)
        if isinstance(outcome, Answer) and self._doubted:
            self._compare(outcome)
        keys: list[Any] = []
        if isinstance(outcome, Answer):
            keys = self._keys(outcome.page.rows)
        if None not in keys:
            if keys != sorted(keys, reverse=probe.down):
                # No rows are given any more: they may not be those that are due.
                odd = self._odd(probe.request, "does not give its rows in the order that was asked for")
                self._nodes.insert(0, Span(probe.request, probe.size, sent=True, error=odd))
            elif keys and (probe.down is (self._sign > 0)):
                self._end = self._sign * keys[0]
        for index, node in enumerate(self._nodes):
            if isinstance(node, Stretch) and node.until is None:
                self._nodes[index : index + 1] = (
                    self._stretches(node, self._end)
                    if self._end is not None and self._end > node.after
                    else [self._span(node.after, None, expected=node.rows)]
                )
                return

    def _compare(self, answer: Answer) -> None:
        """Note that the backend gives the same row first from either end, though there are several."""
        first = self._keys(answer.page.rows[:1])
        if first and first == self._edge and (answer.page.count or 0) > 1:
            self.lacks = (self._place, self._due)
        self._edge = first

    def _checked(self, span: Span, page: Found, keys: list[Any]) -> list[Any]:
        """Refuse rows that were not asked for, so that a backend which ignores a bound or the order is noticed."""
        rows, after = page.rows, span.after
        numbers = [self._sign * key for key in keys if key is not None]
        if after is not None and not page.next and span.until is None and numbers and numbers[0] <= after:
            # The last rows may come together with some that were there before.
            late = [key is None or self._sign * key > after for key in keys]
            rows = [row for row, is_late in zip(rows, late, strict=True) if is_late]
            numbers = [number for number in numbers if number > after]
        ordered = all(map(operator.le, numbers, numbers[1:]))
        low = numbers and after is not None and numbers[0] <= after
        high = numbers and span.until is not None and numbers[-1] > span.until
        if not ordered or low or high:
            raise self._odd(
                span.request, "gives rows that are not those that were asked for, in the order of their keys"
            )
        if len(set(numbers)) < len(numbers):
            self._due -= len(numbers) - len(set(numbers))
            given = Seen()
            # Rows without a key are each their own.
            rows = [
                row for row, key in zip(rows, self._keys(rows), strict=True) if key is None or given.add(key)
            ]
        return rows

    def _keys(self, rows: list[Any]) -> list[Any]:
        return numbers_of(self._table, rows)

    def _up_to_key(self, rows: list[Any]) -> list[Any]:
        """Leave the rows without a key at the end of a page to the one behind it, which begins behind the last key.

        Behind a page without any key comes the next one of the same range, which does not hold them.
        """
        keys = self._keys(rows)
        return rows[
            : max((place + 1 for place, key in enumerate(keys) if key is not None), default=len(rows))
        ]

    @staticmethod
    def _odd(request: Request, what: str) -> TransportError:
        return TransportError(
            f"{request.method} {request.shown}: the backend {what}; the result cannot be read whole",
            method=request.method,
            url=request.shown,
        )

    def _refused(self, span: Span, error: Exception) -> None:
        if isinstance(error, NotFoundError) and span is not self._first:
            if span.before is not None and span.before.ends:
                span.rows = []
            else:
                span.error = missing(span.request, error)
        elif (span.size > 1 or self._parts(span) > 1) and may_be_smaller(span, error):
            self._sizing.shrink(span.size)
            self._halve(span)
        else:
            span.error = error

    @staticmethod
    def _parts(span: Span) -> int:
        return span.until - span.after if span.until is not None and span.after is not None else 1

    def _halve(self, span: Span) -> None:
        """Ask for the halves of a range that took too long; of one without an end, for a smaller page."""
        size, index = max(span.size // 2, 1), self._nodes.index(span)
        if span.until is None or span.after is None or self._parts(span) == 1:
            again = self._span(
                span.after,
                span.until,
                size=size,
                expected=span.expected,
                before=span.before,
                late=span.late + 1,
            )
            if span is self._first:
                self._first = again
            self._nodes[index] = again
            return
        middle = (span.after + span.until) // 2
        self._nodes[index : index + 1] = [
            self._span(after, until, size=size, expected=span.expected / 2, late=late)
            for after, until, late in ((span.after, middle, span.late + 1), (middle, span.until, 0))
        ]

    # --- what is handed out -----------------------------------------------------
    def give(self) -> Window | None:
        """Give the next rows in order, or raise what they failed with; None while they are not there."""
        while self._nodes:
            node = self._nodes[0]
            if isinstance(node, Stretch):
                return None
            if node.error is not None:
                raise node.error
            if node.rows is None:
                return None
            del self._nodes[0]
            rows = self._trail.rest(node.rows) if self._trail.pending else node.rows
            self._due -= len(node.rows) - len(rows)
            if self._query.stop is not None:
                rows = rows[: self._query.stop - self._place]
            first, self._place = self._place, self._place + len(rows)
            if self._query.stop is not None and self._place >= self._query.stop:
                self._nodes, self._probes, self._doubted = [], [], True
            if not self._nodes:
                self._doubt()
            if rows:
                return self._trail.window(first, rows)
        return None

    def _doubt(self) -> None:
        """Where fewer rows came than were counted, look whether the backend honours the order that this relies on."""
        if not self._doubted:
            short = self._place < self._due
            self._probes = [self._probe(reverse=reverse) for reverse in (False, True)] if short else []
        self._doubted = True

    @property
    def done(self) -> bool:
        """Whether everything was given."""
        return not self._nodes and not self._probes

    @property
    def held(self) -> int:
        """How many pages have come and were not given yet."""
        return sum(1 for node in self._nodes if isinstance(node, Span) and node.rows is not None)

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say where to go on: behind the last key."""
        return self._trail.state(window, taken)
