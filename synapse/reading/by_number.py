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
from synapse.reading.checkpoint import Mark, Seen
from synapse.reading.route import (
    QUICK,
    SLOW,
    SMALLEST,
    Answer,
    Piece,
    Window,
    check_empty,
    may_be_smaller,
    missing,
)

WELL: Final = 4
"""After so many pages that came quickly larger ones are asked for again; after twice as many behind each timeout."""


@attrs.define(eq=False, kw_only=True)
class Leaf(Piece):
    """One numbered page: the place of its first row, how many rows fit on it, and what its answer said.

    `ticket` tells which writes of this session were made before it was asked for, `landed` which before its answer was
    taken in. `back` is how far it is behind the page for which it was asked again; 0 for a page that is read in its
    turn. Rows before `skip` and from `upto` on are on other pages as well, which matters where no keys tell.
    """

    first: int
    ticket: int = 0
    landed: int = 0
    back: int = 0
    again: bool = False
    checked: bool = False
    skip: int = 0
    upto: int | None = None
    page: Found | None = None
    gone: NotFoundError | None = None

    @property
    def count(self) -> int | None:
        """How many rows there were when it was answered, where that is known."""
        return None if self.page is None else self.page.count

    @property
    def ends(self) -> bool:
        """Whether the rows up to here are all that the backend had to give."""
        rows = len(self.rows or ())
        return rows < self.size if self.count is None else self.first + rows >= self.count


class Numbered:
    """The route of any query: its pages by number, from the one that holds the first row of the slice."""

    def __init__(
        self,
        table: Table,
        query: Query,
        *,
        size: int,
        ticket: Callable[[], int],
        mark: Mark,
        place: int | None = None,
        key: Any = None,
    ) -> None:
        self._table, self._query = table, query
        self._asked = self._size = size
        self._ticket, self._mark = ticket, mark
        self._place = query.start if place is None else place
        # Without a mark, only its place and its key tell the row that was handed out last.
        self._low = query.start if mark else self._place
        self._last = None if mark else key
        self._seen = Seen()
        self._settled = self._swept = self._over = False
        self._before: Leaf | None = None
        self._keys: set[Any] = set()
        self._empty = self._skip = self._well = 0
        self._needed = WELL
        self._largest = size
        self._end: int | None = None
        self._named: int | None = None
        self._counts: tuple[int, int] | None = None
        self._nodes: list[Leaf] = []
        self._begin()
        self.lacks: tuple[int, int] | None = None

    def _begin(self) -> None:
        """Start at the page that holds the first row that is due, or held it when the reading was broken off."""
        due = self._place - 1 if self._mark or self._last is not None else self._place
        first = max(due, self._query.start) // self._size * self._size
        leaf = self._leaf(first, back=self._size if self._mark else 0)
        self._nodes, self._tail = [leaf], leaf.first + self._size

    def _leaf(self, first: int, *, size: int = 0, **more: Any) -> Leaf:
        size = size or self._size
        asked = self._asked if size == self._size else size
        first = first // size * size
        request = self._table.select(self._query, at=first // size + 1, size=asked)
        return Leaf(request, size, first=first, **more)

    @property
    def _floor(self) -> int:
        return self._low // self._size * self._size

    # --- what to ask ----------------------------------------------------------
    def take(self) -> Piece | None:
        """Give the next request that can be sent now."""
        for leaf in self._nodes:
            if leaf.error is not None:
                return None
            if not leaf.sent:
                return self._send(leaf)
            if leaf.hesitant:
                return None
        if not self._goes_on():
            return None
        leaf = self._leaf(self._tail, again=self._swept, skip=self._skip)
        self._nodes.append(leaf)
        self._tail, self._skip = self._tail + self._size, 0
        return self._send(leaf)

    def _goes_on(self) -> bool:
        """Whether pages are due behind those that were asked for."""
        if not self._settled or (self._query.stop is not None and self._tail >= self._query.stop):
            return False
        return self._tail == self._named or (self._end is not None and self._tail < self._end)

    def _send(self, leaf: Leaf) -> Leaf:
        leaf.sent, leaf.ticket = True, self._ticket()
        return leaf

    # --- what came ------------------------------------------------------------
    def land(self, piece: Piece, outcome: Answer | Exception) -> None:
        """Take in what became of a request."""
        assert isinstance(piece, Leaf)
        if isinstance(outcome, Exception):
            self._refused(piece, outcome)
        elif self._settled or self._settle(piece, outcome.page):
            page = piece.page = outcome.page
            piece.rows, piece.landed = page.rows, self._ticket()
            if page.next and piece.first + piece.size >= self._tail:
                self._named = self._tail
            if page.count is not None:
                self._end = page.count
                self._counts = ((self._counts or (page.count,))[0], page.count)
            self._adapt(piece, outcome.seconds)

    def _settle(self, leaf: Leaf, page: Found) -> bool:
        """See how large the backend's pages are; False where this page is the wrong one, since they are others."""
        self._settled = True
        self._size = self._largest = _real_size(page, leaf.first // leaf.size, asked=self._asked)
        if leaf.size == self._size:
            return True
        self._begin()
        if self._nodes[0].request != leaf.request:
            return False
        leaf.first, leaf.size, leaf.back = self._nodes[0].first, self._size, self._nodes[0].back
        self._nodes = [leaf]
        return True

    def _refused(self, leaf: Leaf, error: Exception) -> None:
        if isinstance(error, NotFoundError) and (leaf.first > 0 or leaf.again):
            leaf.gone, leaf.rows, self._settled = error, [], True
        elif leaf.size > 1 and may_be_smaller(leaf, error):
            self._split(leaf)
        else:
            leaf.error = error

    def _split(self, leaf: Leaf) -> None:
        """Ask for smaller pages in place of one that took too long; at its ends they may overlap with others."""
        size, index, end = leaf.size // 2, self._nodes.index(leaf), leaf.first + leaf.size
        if not self._settled:
            # Nothing is known of the backend's pages yet: begin anew with smaller ones.
            self._asked = self._size = size
            self._begin()
            self._nodes[0].late = leaf.late + 1
            return
        if size < self._size:
            self._resize(size)
        self._needed, self._well = 2 * self._needed, 0
        smaller = [
            self._leaf(first, size=size, again=leaf.again, skip=max(leaf.first + leaf.skip - first, 0))
            for first in range(leaf.first // size * size, end, size)
        ]
        smaller[0].back, smaller[0].checked, smaller[0].late = leaf.back, leaf.checked, leaf.late + 1
        smaller[-1].upto = end - smaller[-1].first
        self._nodes[index : index + 1] = smaller

    def _resize(self, size: int) -> None:
        """Ask for pages of another size from now on; the next one may begin with rows of the one before."""
        tail = self._tail // size * size
        if self._named == self._tail:
            self._named = tail
        self._skip += self._tail - tail
        self._size, self._asked, self._tail = size, size, tail

    def _adapt(self, leaf: Leaf, seconds: float) -> None:
        """Ask for less where answers take long, and for more again once enough of them came quickly."""
        if seconds > SLOW and leaf.size > 2 * SMALLEST and leaf.size // 2 < self._size:
            self._resize(leaf.size // 2)
            self._well = 0
        elif seconds <= QUICK and leaf.size == self._size < self._largest:
            self._well += 1
            if self._well >= self._needed:
                self._resize(min(2 * self._size, self._largest))
                self._well = 0

    # --- what is handed out -----------------------------------------------------
    def give(self) -> Window | None:
        """Give the next rows in order, or raise what they failed with; None while they are not there."""
        while self._nodes:
            leaf = self._nodes[0]
            if leaf.error is not None:
                raise leaf.error
            if leaf.rows is None:
                return None
            if self._goes_back(leaf):
                continue
            del self._nodes[0]
            rows = self._fresh(leaf)
            first, self._place = self._place, self._place + len(rows)
            if not self._nodes and not self._goes_on():
                self._finish()
            if rows:
                return Window(first, rows)
        return None

    def _fresh(self, leaf: Leaf) -> list[Any]:
        """Cut a page to the slice, and leave out what was given."""
        rows, stop = leaf.rows or [], self._query.stop
        keys = self._table.keys(rows)
        self._check_progress(leaf, set(keys))
        self._check_place(leaf, keys)
        self._empty = self._empty + 1 if leaf.page is not None and leaf.page.next and not rows else 0
        check_empty(leaf.request, self._empty)
        self._before, self._keys = leaf, set(keys)
        low, high = max(self._low - leaf.first, 0), len(rows) if stop is None else max(stop - leaf.first, 0)
        own = range(leaf.skip, len(rows) if leaf.upto is None else leaf.upto)
        passed = self._passed(rows[low:high]) + low if self._mark else 0
        fresh = [
            row
            for place, (row, key) in enumerate(zip(rows[low:high], keys[low:high], strict=True), low)
            if not (self._mark.covers(row) or (place < passed and not self._mark.places(row)))
            and (place in own if key is None else self._seen.add(key))
        ]
        return fresh if stop is None else fresh[: max(stop - self._place, 0)]

    def _passed(self, rows: list[Any]) -> int:
        """Count the rows up to the last that was handed out: one without a place has that of others."""
        return max((place + 1 for place, row in enumerate(rows) if self._mark.covers(row)), default=0)

    def _check_progress(self, leaf: Leaf, keys: set[Any]) -> None:
        """Refuse a full page of which every row was on the page before: the backend may give it for ever."""
        page = leaf.page
        before = self._before
        if before is None or before.again or leaf.again or page is None or len(page.rows) < leaf.size:
            return
        if leaf.first < before.first + before.size or before.count != leaf.count:
            return
        if len({before.ticket, before.landed, leaf.ticket, leaf.landed}) > 1:
            return  # rows may have left meanwhile, so that those behind them came to the page before
        beyond = page.count is None or leaf.first >= page.count
        # Rows that have no key are told by all that is in them, where there should be no more.
        same = before.page is not None and page.rows == before.page.rows and beyond
        if page.next and (same if None in keys else keys <= self._keys):
            raise TransportError(
                f"{leaf.request.method} {leaf.request.shown}: this page holds only rows of the page before, and names "
                "a next one; the backend seems to ignore the page's number",
                method=leaf.request.method,
                url=leaf.request.shown,
            )

    def _check_place(self, leaf: Leaf, keys: list[Any]) -> None:
        """Refuse to go on behind a row that is not where it was."""
        last, self._last = self._last, None
        if last is not None and last not in keys[self._low - 1 - leaf.first :][:1]:
            raise TransportError(
                f"{leaf.request.method} {leaf.request.shown}: the row that was handed out last is not where it "
                "was, and rows carry nothing that tells how far this got. Read from the start, in the order of the key",
                method=leaf.request.method,
                url=leaf.request.shown,
            )

    # --- going back ---------------------------------------------------------------
    def _goes_back(self, leaf: Leaf) -> bool:
        """Put pages in front of one, where rows may have moved there that were not given."""
        if leaf.back:
            return self._goes_further(leaf)
        before = self._before
        if leaf.checked or before is None:
            return False
        leaf.checked = True
        if leaf.gone is not None and before.ends:
            return False
        counts = (before.count, leaf.count)
        fewer = max(counts[0] - counts[1], 0) if None not in counts else 0  # type: ignore[operator]
        if leaf.gone is None and not fewer and before.ticket == leaf.ticket:
            return False
        if fewer:
            # It may have been answered before the page in front of it, and rows have come since and moved some onto it.
            self._nodes.insert(0, self._leaf(leaf.first, size=leaf.size, again=True))
        return self._put_back(leaf, max(fewer, self._size)) or bool(fewer)

    def _put_back(self, leaf: Leaf, distance: int) -> bool:
        first = max((leaf.first - distance) // self._size * self._size, self._floor)
        if first >= leaf.first:
            if leaf.gone is not None and leaf.first == 0:
                raise missing(leaf.request, leaf.gone)
            return False
        self._nodes.insert(0, self._leaf(first, back=distance, again=True, checked=True))
        return True

    def _goes_further(self, leaf: Leaf) -> bool:
        """Read all pages from this one on again; go twice as far back while its first row is one that was not given."""
        distance, leaf.back = leaf.back, 0
        following = self._nodes[1].first if len(self._nodes) > 1 else self._tail
        if leaf.count is not None:
            following = min(following, math.ceil(leaf.count / self._size) * self._size)
        if leaf.gone is None:
            filled = range((leaf.first + leaf.size) // self._size * self._size, following, self._size)
            self._nodes[1:1] = [self._leaf(place, again=True) for place in filled]
        first = (leaf.rows or [None])[0]
        return not (first is not None and self._knows(first)) and self._put_back(leaf, 2 * distance)

    def _knows(self, row: Any) -> bool:
        key = self._table.key(row)
        return key in self._seen or self._mark.covers(row)

    def _finish(self) -> None:
        """Where fewer rows came than there were all the time, read once more for them; then say what lacks."""
        self._over = True
        if self._counts is None or self._mark:
            return
        stop = min(self._counts) if self._query.stop is None else min(*self._counts, self._query.stop)
        if self._place >= stop:
            return
        if self._swept:
            self.lacks = (self._place - self._query.start, stop - self._query.start)
        else:
            self._over, self._swept, self._before, self._tail = False, True, None, self._floor
            self._end = stop

    @property
    def done(self) -> bool:
        """Whether everything was given."""
        return self._over and not self._nodes

    @property
    def held(self) -> int:
        """How many pages have come and were not given yet."""
        return sum(1 for leaf in self._nodes if leaf.rows is not None)

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say where to go on: the place, and what the last row is ordered by."""
        row = window.rows[taken - 1]
        return {"place": window.first + taken, "key": self._table.key(row), **self._mark.of(row)}


def _real_size(page: Found, before: int, *, asked: int) -> int:
    """Tell how large the backend's pages are: it may cap what was asked for, and page numbers then count its own."""
    if not page.rows:
        return asked
    if page.next or (before == 0 and page.count is not None and len(page.rows) < page.count):
        return len(page.rows)
    if before and page.count is not None:
        # The last page ends with the last row.
        return min((page.count - len(page.rows)) // before, asked) or asked
    return asked
