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
from synapse.reading.checkpoint import FetchedKeys, KeyCheckpoint
from synapse.reading.route import (
    FetchedPage,
    PageRequest,
    PageSize,
    PreviousPage,
    Window,
    check_empty_pages,
    integer_keys,
    missing_page,
    should_ask_for_less,
)

FEW_PAGES: Final = 2
"""The most pages that are read one after the other: cutting them into ranges would cost more than it saves."""

RUN: Final = 4
"""How many times denser than the rest a page must be to count as part of a run of keys."""

RUN_PAGES: Final = 8
"""Pages of a dense run to request before checking whether it continues."""


@attrs.define(eq=False, repr=False)
class PendingRange:
    """A key range that has not been requested yet, and how many rows it seems to hold, None where nothing was counted.

    `until` is None before the last key is known; rows may be added behind an `open` one. `density` is that of the page
    before it, in rows per key; `run` says that this range was assumed to be as dense.
    """

    after: int
    until: int | None
    rows: float | None
    open: bool
    density: float = 1.0
    run: bool = False


@attrs.define(eq=False, kw_only=True, repr=False)
class RangePage(PageRequest):
    """One page of a range: the rows behind `after`, up to `until` where that is set."""

    after: int | None = None
    until: int | None = None
    number: int = 1
    empty: int = 0
    expected: float = 0
    source: PendingRange | None = None
    before: PreviousPage | None = None


@attrs.define(eq=False, kw_only=True, repr=False)
class EndProbe(PageRequest):
    """The rows at one end of the keys: `down` from the highest, else up from the lowest."""

    down: bool


class ByRange:
    """The route of a query in the order of its key. `cuts` is off where the wire bounds keys on one side only."""

    def __init__(
        self,
        table: Table,
        query: Query,
        *,
        sizing: PageSize,
        cuts: bool = True,
        state: dict[str, Any] | None = None,
    ) -> None:
        state = state or {}
        after, place = state.get("key"), state.get("place", 0)
        self._table, self._query = table, query
        self._sizes, self._cuts = sizing, cuts
        self._sign = -1 if query.order[0].startswith("-") else 1
        self._checkpoint = KeyCheckpoint(self._keys, state=state)
        self._place = self._counted = place
        self._first = self._page(None if after is None else self._sign * after, None)
        self._queue: list[RangePage | PendingRange] = [self._first]
        self._probes: list[EndProbe] = []
        self._end: int | None = None
        self._order_checked = False
        self._first_keys: list[Any] = []
        self.shortfall: tuple[int, int] | None = None

    # --- what to ask ----------------------------------------------------------
    def next_request(self) -> PageRequest | None:
        """Give the next request that can be sent now: the ranges in order, then where the keys end."""
        # Expected rows count as read, so that a slice of 500 rows does not start ranges for the rows behind it.
        planned = self._place
        for index, item in enumerate(self._queue):
            if item is not self._queue[0] and self._query.stop is not None and planned >= self._query.stop:
                break
            if isinstance(item, PendingRange):
                if item.until is None:
                    # Without the last key there is nothing to cut; the request that tells it goes out below.
                    break
                return self._send(self._cut(index, item, item.until))
            if item.error is not None:
                return None
            if not item.sent:
                return self._send(item)
            if item.is_retried:
                return None
            planned += math.ceil(item.expected) if item.rows is None else len(item.rows)
        return next((self._send(probe) for probe in self._probes if not probe.sent), None)

    @staticmethod
    def _send(request: PageRequest) -> PageRequest:
        request.sent = True
        return request

    def _page(self, after: int | None, until: int | None, **more: Any) -> RangePage:
        # A bound beyond 64 bits is refused by the backend, and one at the end of all keys excludes nothing.
        if until is not None and until >= (LARGEST if self._sign > 0 else 0):
            until = None
        size = more.pop("size", self._sizes.size)
        query, number = self._bounded(after, until), more.get("number", 1)
        request = self._table.select(query, at=number if number > 1 else None, size=size)
        return RangePage(request, size, after=after, until=until, **more)

    def _bounded(self, after: int | None, until: int | None) -> Query:
        pk, add, where = self._table.schema.pk, self._table.catalog.add, self._query.where
        lower, upper = (Gt, Lt) if self._sign > 0 else (Lt, Gt)
        if after is not None:
            where = add(where, Condition(pk, lower, self._sign * after))
        if until is not None:
            where = add(where, Condition(pk, upper, self._sign * (until + 1)))
        return attrs.evolve(self._query, where=where)

    def _probe(self, *, reverse: bool) -> EndProbe:
        """Ask for the two rows at one end: where the keys end, and whether the backend honours the order at all."""
        pk = self._table.schema.pk
        down = (self._sign < 0) is not reverse
        bare = attrs.evolve(
            self._query, order=(f"-{pk}" if down else pk,), only=(pk,), defer=(), expand=(), prefetch=()
        )
        return EndProbe(self._table.select(bare, size=2), 2, down=down)

    def _cut(self, index: int, pending: PendingRange, until: int) -> RangePage:
        """Cut a range of about a page off a pending range."""
        keys, rows = until - pending.after, max(pending.rows or 0.0, 1.0)
        width = self._width(min(rows / keys, 1.0))
        if width >= keys:
            page = self._page(pending.after, None if pending.open else until, expected=rows)
            self._queue[index] = page
        else:
            expected = rows * width / keys
            page = self._page(pending.after, pending.after + width, expected=expected, source=pending)
            pending.after += width
            pending.rows = rows - expected
            self._queue.insert(index, page)
        return page

    def _width(self, density: float) -> int:
        """Choose how many keys to ask for, so that a page holds their rows most of the time."""
        # Rows fall into a range at random: two standard deviations below a full page keep most ranges to one page,
        # where aiming at exactly a page would need a second request for every other range.
        most = self._sizes.per_range
        wanted = most - 2 * math.sqrt(most * (1 - density))
        return max(most, int(max(wanted, most / 2) / density))

    # --- what came ------------------------------------------------------------
    def receive(self, request: PageRequest, outcome: FetchedPage | Exception) -> None:
        """Take in what became of a request."""
        if isinstance(request, EndProbe):
            self._take_end(request, outcome)
        elif not isinstance(request, RangePage) or request not in self._queue:
            return  # the slice was full before this came
        elif isinstance(outcome, Exception):
            self._refused(request, outcome)
        else:
            try:
                self._take_rows(request, outcome)
            except TransportError as error:
                request.error = error

    def _take_rows(self, page: RangePage, answer: FetchedPage) -> None:
        found = answer.found
        keys = self._keys(found.rows)
        # Only the first page's count is of the whole result; those of ranges are of their own rows.
        if page is self._first and found.count is not None:
            self._counted = self._place + found.count
        rows = self._checked(page, found, keys)
        left = None if found.count is None or page.number > 1 else max(found.count - len(found.rows), 0)
        if page.source is not None and found.count is not None:
            self._learn(page.source, page.expected, found.count)
        elif page.source is not None:
            self._estimate(page.source, page, more=bool(found.next), keys=keys)
        more = bool(found.next or (left and rows))
        self._sizes.note(
            answer, asked=page.size, more=more, long=page.source is not None or self._is_long(left)
        )
        if more:
            where = self._queue.index(page) + 1
            rest = self._rest(page, found, [key for key in keys if key is not None], left=left)
            self._queue[where:where] = rest
            if rest and keys and keys[-1] is None:
                rows = self._up_to_key(rows)
        elif left:
            self.shortfall = (self._place, self._place + left)
        page.rows = rows

    @staticmethod
    def _learn(pending: PendingRange, expected: float, counted: int) -> None:
        """Correct what a pending range seems to hold: a run that ended is none, and rows not here are further on."""
        # Rows that a range lacked are further on, unless it belonged to a run: then the run has ended, and what
        # follows has a request of its own already.
        if not pending.run:
            pending.rows = max((pending.rows or 0.0) + expected - counted, 0.0)
        elif counted < expected / 2:
            pending.rows = 0.0

    def _estimate(self, pending: PendingRange, page: RangePage, *, more: bool, keys: list[Any]) -> None:
        """Take what follows for as dense as this range is; behind an empty one, one request leads across the gap."""
        known = [self._sign * key for key in keys if key is not None]
        end = known[-1] if more and known else page.until
        if page.after is not None and end is not None and pending.until is not None:
            pending.rows = len(known) / max(end - page.after, 1) * (pending.until - pending.after)

    def _is_uncounted(self, page: RangePage) -> bool:
        """Whether this is the first page of what may be long, of an API that never counts."""
        stop = self._query.stop
        is_short = stop is not None and stop - self._place <= FEW_PAGES * self._sizes.real
        return page is self._first and self._cuts and not self._table.traits.counts and not is_short

    def _is_long(self, left: int | None) -> bool:
        return self._cuts and left is not None and left > FEW_PAGES * self._sizes.real

    def _rest(
        self, page: RangePage, found: Found, keys: list[Any], *, left: int | None
    ) -> list[RangePage | PendingRange]:
        """Say what is to be read behind a page that did not hold the whole of its range."""
        passed = PreviousPage(found, (page.number - 1) * page.size, page.size)
        if not keys:
            # A page of rows without keys gives no bound to go on from: only the next page number leads past them.
            check_empty_pages(page.request, page.empty + 1)
            more: dict[str, Any] = {"number": page.number + 1, "empty": page.empty + 1, "before": passed}
            return [self._page(page.after, page.until, size=page.size, **more)]
        last = self._sign * keys[-1]
        if page.until is not None and last >= page.until:
            return []
        if not self._is_long(left) and not self._is_uncounted(page):
            expected = self._sizes.real if left is None else left
            return [self._page(last, page.until, expected=expected, before=passed)]
        density = len(keys) / (last - self._sign * keys[0] + 1)
        if page.until is not None:
            return self._pending(PendingRange(last, page.until, left, False, density), page.until)
        if self._end is None:
            return self._onward(last, density=density, left=left)
        if last < self._end:
            return self._pending(PendingRange(last, self._end, left, True, density), self._end)
        return [self._page(last, None, expected=left or 0, before=passed)]

    def _onward(self, last: int, *, density: float, left: int | None) -> list[RangePage | PendingRange]:
        """Ask on behind the first page, as dense as that was, while another request tells where the keys end."""
        if not self._probes:
            self._probes.append(self._probe(reverse=True))
        # One more range costs nothing while the other request is under way, and is needed in any case.
        width = self._width(min(density, 1.0))
        expected = width * density if left is None else min(width * density, float(left))
        ahead = self._page(last, last + width, expected=expected)
        if ahead.until is None:
            return [ahead]
        rows = None if left is None else left - expected
        return [ahead, PendingRange(last + width, None, rows, open=True, density=density)]

    def _pending(self, whole: PendingRange, until: int) -> list[RangePage | PendingRange]:
        """Say where rows are looked for: evenly, or in a run as dense as the page before, and at what follows that.

        Rows that were made together have keys in a run, and a long gap may follow, which one request leads across.
        """
        whole.until = until
        if whole.rows is None:
            whole.rows = whole.density * (until - whole.after)
        # Bulk creation gives keys in a row: evenly spread ranges would then be empty but for one, which would have to
        # be cut again and again. A first page much denser than the average is taken as such a run.
        run = min(whole.rows, RUN_PAGES * self._sizes.real)
        after = whole.after + math.ceil(run / whole.density)
        if whole.density * (until - whole.after) < RUN * whole.rows or after >= until or run < 1:
            return [whole]
        behind = self._page(after, None if whole.open else until, expected=whole.rows - run)
        return [PendingRange(whole.after, after, run, False, whole.density, run=True), behind]

    def _take_end(self, probe: EndProbe, outcome: FetchedPage | Exception) -> None:
        """Learn where the keys end; without that, the walk goes on from page to page."""
        if probe not in self._probes:
            return  # all rows were there before this came
        self._probes.remove(probe)
        if isinstance(outcome, FetchedPage) and self._order_checked:
            self._compare(outcome)
        keys: list[Any] = []
        if isinstance(outcome, FetchedPage):
            keys = self._keys(outcome.found.rows)
        # Every bound relies on the order. Two rows from the far end show whether it is honoured, at no extra request.
        if None not in keys:
            if keys != sorted(keys, reverse=probe.down):
                # No rows are given any more: they may not be those that are due.
                odd = self._odd(probe.request, "does not give its rows in the order that was asked for")
                self._queue.insert(0, RangePage(probe.request, probe.size, sent=True, error=odd))
            elif keys and (probe.down is (self._sign > 0)):
                self._end = self._sign * keys[0]
        for index, item in enumerate(self._queue):
            if isinstance(item, PendingRange) and item.until is None:
                self._queue[index : index + 1] = (
                    self._pending(item, self._end)
                    if self._end is not None and self._end > item.after
                    else [self._page(item.after, None, expected=item.rows or 0)]
                )
                return

    def _compare(self, answer: FetchedPage) -> None:
        """Note that the backend gives the same row first from either end, though there are several."""
        first = self._keys(answer.found.rows[:1])
        if first and first == self._first_keys and (answer.found.count or 0) > 1:
            self.shortfall = (self._place, self._counted)
        self._first_keys = first

    def _checked(self, page: RangePage, found: Found, keys: list[Any]) -> list[Any]:
        """Refuse rows that were not asked for, so that a backend which ignores a bound or the order is noticed."""
        rows, after = found.rows, page.after
        numbers = [self._sign * key for key in keys if key is not None]
        if after is not None and not found.next and page.until is None and numbers and numbers[0] <= after:
            # The last rows may come together with some that were there before.
            late = [key is None or self._sign * key > after for key in keys]
            rows = [row for row, is_late in zip(rows, late, strict=True) if is_late]
            numbers = [number for number in numbers if number > after]
        # A backend that ignores `id__gt` gives the first page for every range, as if the result had no end.
        ordered = all(map(operator.le, numbers, numbers[1:]))
        low = numbers and after is not None and numbers[0] <= after
        high = numbers and page.until is not None and numbers[-1] > page.until
        if not ordered or low or high:
            raise self._odd(
                page.request, "gives rows that are not those that were asked for, in the order of their keys"
            )
        if len(set(numbers)) < len(numbers):
            self._counted -= len(numbers) - len(set(numbers))
            given = FetchedKeys()
            # Rows without a key are each their own.
            rows = [
                row for row, key in zip(rows, self._keys(rows), strict=True) if key is None or given.add(key)
            ]
        return rows

    def _keys(self, rows: list[Any]) -> list[Any]:
        return integer_keys(self._table, rows)

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

    def _refused(self, page: RangePage, error: Exception) -> None:
        if isinstance(error, NotFoundError) and page is not self._first:
            # A further page number of a range may be gone because its rows are: then nothing is missing.
            if page.before is not None and page.before.ends:
                page.rows = []
            else:
                page.error = missing_page(page.request, error)
        elif (page.size > 1 or self._parts(page) > 1) and should_ask_for_less(page, error):
            self._sizes.shrink(page.size)
            self._halve(page)
        else:
            page.error = error

    @staticmethod
    def _parts(page: RangePage) -> int:
        return page.until - page.after if page.until is not None and page.after is not None else 1

    def _halve(self, page: RangePage) -> None:
        """Ask for the halves of a range that took too long; of one without an end, for a smaller page."""
        size, index = max(page.size // 2, 1), self._queue.index(page)
        if page.until is None or page.after is None or self._parts(page) == 1:
            again = self._page(
                page.after,
                page.until,
                size=size,
                expected=page.expected,
                before=page.before,
                timeouts=page.timeouts + 1,
            )
            if page is self._first:
                self._first = again
            self._queue[index] = again
            return
        # Halving the keys and not only the page makes the backend search less, which is what took long.
        middle = (page.after + page.until) // 2
        self._queue[index : index + 1] = [
            self._page(after, until, size=size, expected=page.expected / 2, timeouts=timeouts)
            for after, until, timeouts in ((page.after, middle, page.timeouts + 1), (middle, page.until, 0))
        ]

    # --- what is handed out -----------------------------------------------------
    def ready_rows(self) -> Window | None:
        """Give the next rows in order, or raise what they failed with; None while they are not there."""
        while self._queue:
            item = self._queue[0]
            if isinstance(item, PendingRange):
                return None
            if item.error is not None:
                raise item.error
            if item.rows is None:
                return None
            del self._queue[0]
            rows = self._checkpoint.rest(item.rows) if self._checkpoint.pending else item.rows
            self._counted -= len(item.rows) - len(rows)
            if self._query.stop is not None:
                rows = rows[: self._query.stop - self._place]
            first, self._place = self._place, self._place + len(rows)
            if self._query.stop is not None and self._place >= self._query.stop:
                self._queue, self._probes, self._order_checked = [], [], True
            if not self._queue:
                self._check_order()
            if rows:
                return self._checkpoint.window(first, rows)
        return None

    def _check_order(self) -> None:
        """Where fewer rows came than were counted, look whether the backend honours the order that this relies on."""
        if not self._order_checked:
            short = self._place < self._counted
            self._probes = [self._probe(reverse=reverse) for reverse in (False, True)] if short else []
        self._order_checked = True

    @property
    def done(self) -> bool:
        """Whether everything was given."""
        return not self._queue and not self._probes

    @property
    def buffered(self) -> int:
        """How many pages have come and were not given yet."""
        return sum(1 for item in self._queue if isinstance(item, RangePage) and item.rows is not None)

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say where to go on: behind the last key."""
        return self._checkpoint.state(window, taken)
