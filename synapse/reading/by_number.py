"""Reading by page numbers, several at once, and going back for rows that moved to the front meanwhile.

A page number counts from the beginning of what matches when it is asked for. Rows that leave the result move those
behind them to the front, onto pages that were read before; so wherever a page may have been asked for after that, the
pages before it are read again, as far back as they hold rows that were not given.
"""

from __future__ import annotations

import math

from collections.abc import Callable
from typing import Any, Final

import attrs

from synapse.dialects import Found, Table
from synapse.errors import NotFoundError, TransportError
from synapse.query import Query
from synapse.reading.checkpoint import FetchedKeys, LastRow
from synapse.reading.route import (
    QUICK,
    SLOW,
    SMALLEST,
    FetchedPage,
    PageRequest,
    Window,
    check_empty_pages,
    missing_page,
    should_ask_for_less,
)

WELL: Final = 4
"""Quick pages in a row before larger ones are asked for again; twice as many after each timeout."""


@attrs.define(eq=False, kw_only=True, repr=False)
class NumberedPage(PageRequest):
    """One numbered page: the place of its first row, how many rows fit on it, and what its answer said.

    `ticket` tells which writes of this session were made before it was requested, `answered` which before its answer
    was taken in. `back` is how far it lies behind the page for which it is read again; 0 for a page that is read in
    order. Rows before `skip` and from `upto` on are on other pages as well, which matters for rows without keys.
    """

    first: int
    ticket: int = 0
    answered: int = 0
    back: int = 0
    again: bool = False
    checked: bool = False
    skip: int = 0
    upto: int | None = None
    found: Found | None = None
    gone: NotFoundError | None = None

    @property
    def count(self) -> int | None:
        """How many rows there were when it was answered, where that is known."""
        return None if self.found is None else self.found.count

    @property
    def ends(self) -> bool:
        """Whether the rows up to here are all that the backend had to give."""
        rows = len(self.rows or ())
        return rows < self.size if self.count is None else self.first + rows >= self.count


class ByNumber:
    """The route of any query: its pages by number, from the one that holds the first row of the slice."""

    def __init__(
        self,
        table: Table,
        query: Query,
        *,
        size: int,
        ticket: Callable[[], int],
        last_row: LastRow,
        place: int | None = None,
        key: Any = None,
    ) -> None:
        self._table, self._query = table, query
        self._asked = self._size = size
        self._ticket, self._last_row = ticket, last_row
        self._place = query.start if place is None else place
        # Where the last row tells no place in the order, only its number and its key are left to find it by.
        self._low = query.start if last_row else self._place
        self._last = None if last_row else key
        self._fetched = FetchedKeys()
        self._settled = self._swept = self._over = False
        self._before: NumberedPage | None = None
        self._keys: set[Any] = set()
        self._empty = self._skip = self._well = 0
        self._needed = WELL
        self._largest = size
        self._end: int | None = None
        self._named: int | None = None
        self._counts: tuple[int, int] | None = None
        self._queue: list[NumberedPage] = []
        self._begin()
        self.shortfall: tuple[int, int] | None = None

    def _begin(self) -> None:
        """Start at the page that holds the first row that is due, or held it when the reading was broken off."""
        due = self._place - 1 if self._last_row or self._last is not None else self._place
        first = max(due, self._query.start) // self._size * self._size
        page = self._page(first, back=self._size if self._last_row else 0)
        self._queue, self._tail = [page], page.first + self._size

    def _page(self, first: int, *, size: int = 0, **more: Any) -> NumberedPage:
        size = size or self._size
        asked = self._asked if size == self._size else size
        first = first // size * size
        request = self._table.select(self._query, at=first // size + 1, size=asked)
        return NumberedPage(request, size, first=first, **more)

    @property
    def _floor(self) -> int:
        return self._low // self._size * self._size

    # --- what to ask ----------------------------------------------------------
    def next_request(self) -> PageRequest | None:
        """Give the next request that can be sent now."""
        for page in self._queue:
            if page.error is not None:
                return None
            if not page.sent:
                return self._send(page)
            if page.is_retried:
                return None
        if not self._goes_on():
            return None
        page = self._page(self._tail, again=self._swept, skip=self._skip)
        self._queue.append(page)
        self._tail, self._skip = self._tail + self._size, 0
        return self._send(page)

    def _goes_on(self) -> bool:
        """Whether pages are due behind those that were asked for."""
        # Until the first page has shown how large pages really are, a second number could mean other rows.
        if not self._settled or (self._query.stop is not None and self._tail >= self._query.stop):
            return False
        return self._tail == self._named or (self._end is not None and self._tail < self._end)

    def _send(self, page: NumberedPage) -> NumberedPage:
        page.sent, page.ticket = True, self._ticket()
        return page

    # --- what came ------------------------------------------------------------
    def receive(self, request: PageRequest, outcome: FetchedPage | Exception) -> None:
        """Take in what became of a request."""
        assert isinstance(request, NumberedPage)
        if isinstance(outcome, Exception):
            self._refused(request, outcome)
        elif self._settled or self._settle(request, outcome.found):
            found = request.found = outcome.found
            request.rows, request.answered = found.rows, self._ticket()
            # A backend without counts is followed by its own word that there is a next page, one page at a time.
            if found.next and request.first + request.size >= self._tail:
                self._named = self._tail
            if found.count is not None:
                self._end = found.count
                # The first and the latest count: what both agree on was there all the time, and has to come.
                self._counts = ((self._counts or (found.count,))[0], found.count)
            self._adapt(request, outcome.seconds)

    def _settle(self, page: NumberedPage, found: Found) -> bool:
        """See how large the backend's pages are; False where this page is the wrong one, since they are others."""
        self._settled = True
        self._size = self._largest = _real_size(found, page.first // page.size, asked=self._asked)
        if page.size == self._size:
            return True
        self._begin()
        if self._queue[0].request != page.request:
            return False
        page.first, page.size, page.back = self._queue[0].first, self._size, self._queue[0].back
        self._queue = [page]
        return True

    def _refused(self, page: NumberedPage, error: Exception) -> None:
        if isinstance(error, NotFoundError) and (page.first > 0 or page.again):
            # Rows were deleted until the page was no more. That is no fault yet: the pages before it are read again.
            page.gone, page.rows, self._settled = error, [], True
        elif page.size > 1 and should_ask_for_less(page, error):
            self._split(page)
        else:
            page.error = error

    def _split(self, page: NumberedPage) -> None:
        """Ask for smaller pages in place of one that took too long; at its ends they may overlap with others."""
        size, index, end = page.size // 2, self._queue.index(page), page.first + page.size
        if not self._settled:
            # Nothing is known of the backend's pages yet: begin anew with smaller ones.
            self._asked = self._size = size
            self._begin()
            self._queue[0].timeouts = page.timeouts + 1
            return
        if size < self._size:
            self._resize(size)
        # A backend that is slow on large pages times out again as soon as they come back: wait longer each time.
        self._needed, self._well = 2 * self._needed, 0
        smaller = [
            self._page(first, size=size, again=page.again, skip=max(page.first + page.skip - first, 0))
            for first in range(page.first // size * size, end, size)
        ]
        smaller[0].back, smaller[0].checked, smaller[0].timeouts = page.back, page.checked, page.timeouts + 1
        smaller[-1].upto = end - smaller[-1].first
        self._queue[index : index + 1] = smaller

    def _resize(self, size: int) -> None:
        """Ask for pages of another size from now on; the next one may begin with rows of the one before."""
        tail = self._tail // size * size
        if self._named == self._tail:
            self._named = tail
        self._skip += self._tail - tail
        self._size, self._asked, self._tail = size, size, tail

    def _adapt(self, page: NumberedPage, seconds: float) -> None:
        """Ask for less where answers take long, and for more again once enough of them came quickly."""
        if seconds > SLOW and page.size > 2 * SMALLEST and page.size // 2 < self._size:
            self._resize(page.size // 2)
            self._well = 0
        elif seconds <= QUICK and page.size == self._size < self._largest:
            self._well += 1
            if self._well >= self._needed:
                self._resize(min(2 * self._size, self._largest))
                self._well = 0

    # --- what is handed out -----------------------------------------------------
    def ready_rows(self) -> Window | None:
        """Give the next rows in order, or raise what they failed with; None while they are not there."""
        while self._queue:
            page = self._queue[0]
            if page.error is not None:
                raise page.error
            if page.rows is None:
                return None
            if self._goes_back(page):
                continue
            del self._queue[0]
            rows = self._fresh(page)
            first, self._place = self._place, self._place + len(rows)
            if not self._queue and not self._goes_on():
                self._finish()
            if rows:
                return Window(first, rows)
        return None

    def _fresh(self, page: NumberedPage) -> list[Any]:
        """Cut a page to the slice, and leave out what was given."""
        rows, stop = page.rows or [], self._query.stop
        keys = self._table.keys(rows)
        self._check_progress(page, set(keys))
        self._check_place(page, keys)
        self._empty = self._empty + 1 if page.found is not None and page.found.next and not rows else 0
        check_empty_pages(page.request, self._empty)
        self._before, self._keys = page, set(keys)
        low, high = max(self._low - page.first, 0), len(rows) if stop is None else max(stop - page.first, 0)
        own = range(page.skip, len(rows) if page.upto is None else page.upto)
        passed = self._passed(rows[low:high]) + low if self._last_row else 0
        fresh = [
            row
            for place, (row, key) in enumerate(zip(rows[low:high], keys[low:high], strict=True), low)
            if not (self._last_row.covers(row) or (place < passed and not self._last_row.places(row)))
            and (place in own if key is None else self._fetched.add(key))
        ]
        return fresh if stop is None else fresh[: max(stop - self._place, 0)]

    def _passed(self, rows: list[Any]) -> int:
        """Count the rows up to the last that was handed out: one without a place has that of others."""
        return max((place + 1 for place, row in enumerate(rows) if self._last_row.covers(row)), default=0)

    def _check_progress(self, page: NumberedPage, keys: set[Any]) -> None:
        """Refuse a full page of which every row was on the page before: the backend may give it for ever."""
        found = page.found
        before = self._before
        if before is None or before.again or page.again or found is None or len(found.rows) < page.size:
            return
        if page.first < before.first + before.size or before.count != page.count:
            return
        # Only two pages that were asked for and answered under the same state of the table can be compared.
        if len({before.ticket, before.answered, page.ticket, page.answered}) > 1:
            return
        beyond = found.count is None or page.first >= found.count
        # Rows that have no key are told by all that is in them, where there should be no more.
        same = before.found is not None and found.rows == before.found.rows and beyond
        if found.next and (same if None in keys else keys <= self._keys):
            raise TransportError(
                f"{page.request.method} {page.request.shown}: this page holds only rows of the page before, and names "
                "a next one; the backend seems to ignore the page's number",
                method=page.request.method,
                url=page.request.shown,
            )

    def _check_place(self, page: NumberedPage, keys: list[Any]) -> None:
        """Refuse to go on behind a row that is not where it was."""
        last, self._last = self._last, None
        if last is not None and last not in keys[self._low - 1 - page.first :][:1]:
            raise TransportError(
                f"{page.request.method} {page.request.shown}: the row that was handed out last is not where it "
                "was, and rows carry nothing that tells how far this got. Read from the start, in the order of the key",
                method=page.request.method,
                url=page.request.shown,
            )

    # --- going back ---------------------------------------------------------------
    def _goes_back(self, page: NumberedPage) -> bool:
        """Put pages in front of one, where rows may have moved there that were not given."""
        if page.back:
            return self._goes_further(page)
        before = self._before
        if page.checked or before is None:
            return False
        page.checked = True
        if page.gone is not None and before.ends:
            return False
        # Rows may have left between the two pages if the count fell, or if this session wrote: then as many rows as
        # left, or a whole page where that is unknown, may have moved in front of this page unread.
        counts = (before.count, page.count)
        fewer = max(counts[0] - counts[1], 0) if None not in counts else 0  # type: ignore[operator]
        if page.gone is None and not fewer and before.ticket == page.ticket:
            return False
        if fewer:
            # It may have been answered before the page in front of it, and rows have come since and moved some onto it.
            self._queue.insert(0, self._page(page.first, size=page.size, again=True))
        return self._put_back(page, max(fewer, self._size)) or bool(fewer)

    def _put_back(self, page: NumberedPage, distance: int) -> bool:
        # Never before the slice, or before what an earlier process has handed out.
        first = max((page.first - distance) // self._size * self._size, self._floor)
        if first >= page.first:
            if page.gone is not None and page.first == 0:
                raise missing_page(page.request, page.gone)
            return False
        self._queue.insert(0, self._page(first, back=distance, again=True, checked=True))
        return True

    def _goes_further(self, page: NumberedPage) -> bool:
        """Read all pages from this one on again; go twice as far back while its first row is one that was not given."""
        distance, page.back = page.back, 0
        following = self._queue[1].first if len(self._queue) > 1 else self._tail
        if page.count is not None:
            following = min(following, math.ceil(page.count / self._size) * self._size)
        if page.gone is None:
            filled = range((page.first + page.size) // self._size * self._size, following, self._size)
            self._queue[1:1] = [self._page(place, again=True) for place in filled]
        first = (page.rows or [None])[0]
        return not (first is not None and self._knows(first)) and self._put_back(page, 2 * distance)

    def _knows(self, row: Any) -> bool:
        key = self._table.key(row)
        return key in self._fetched or self._last_row.covers(row)

    def _finish(self) -> None:
        """Where fewer rows came than there were all the time, read once more for them; then say what lacks."""
        self._over = True
        if self._counts is None or self._last_row:
            return
        stop = min(self._counts) if self._query.stop is None else min(*self._counts, self._query.stop)
        if self._place >= stop:
            return
        if self._swept:
            self.shortfall = (self._place - self._query.start, stop - self._query.start)
        else:
            self._over, self._swept, self._before, self._tail = False, True, None, self._floor
            self._end = stop

    @property
    def done(self) -> bool:
        """Whether everything was given."""
        return self._over and not self._queue

    @property
    def buffered(self) -> int:
        """How many pages have come and were not given yet."""
        return sum(1 for page in self._queue if page.rows is not None)

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say where to go on: the place, and what the last row is ordered by."""
        row = window.rows[taken - 1]
        return {"place": window.first + taken, "key": self._table.key(row), **self._last_row.of(row)}


def _real_size(found: Found, before: int, *, asked: int) -> int:
    """Tell how large the backend's pages are: it may cap what was asked for, and page numbers then count its own."""
    if not found.rows:
        return asked
    if found.next or (before == 0 and found.count is not None and len(found.rows) < found.count):
        return len(found.rows)
    if before and found.count is not None:
        # The last page ends with the last row.
        return min((found.count - len(found.rows)) // before, asked) or asked
    return asked
