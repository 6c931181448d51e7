"""Reading by the backend's own cursor, page by page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from synapse.dialects import Found, Place, Table
from synapse.errors import NotFoundError, TransportError
from synapse.query import Query
from synapse.query.kinds import Key
from synapse.reading import parts
from synapse.reading.checkpoint import FetchedKeys, KeyCheckpoint
from synapse.reading.route import (
    FetchedPage,
    PageRequest,
    Window,
    check_empty_pages,
    integer_keys,
    missing_page,
    should_ask_for_less,
)


@attrs.define(eq=False, kw_only=True, repr=False)
class CursorPage(PageRequest):
    """One page by its cursor; the first one has none. `make` gives the next one, if that is surely needed and new."""

    token: str
    make: Callable[[str], CursorPage | None] | None = None

    def following(self, found: Found) -> CursorPage | None:
        """Give the page that this one names."""
        named = found.next
        if self.make is None or self.follower is not None or not isinstance(named, str):
            return None
        made = self.follower = self.make(named)
        if made is not None:
            made.sent = made.ahead = True
        return made


class ByCursor:
    """The route along the backend's cursors, page by page, in any order that the backend honours."""

    def __init__(
        self,
        table: Table,
        query: Query,
        *,
        size: int,
        state: dict[str, Any] | None = None,
    ) -> None:
        state = state or {}
        self._table, self._query, self._size = table, query, size
        self._by_key = parts.by_key(table, query) and isinstance(table.schema.key, Key)
        self._down = self._by_key and query.order[0].startswith("-")
        self._checkpoint = KeyCheckpoint(self._keys, state=state, by_page=True)
        self._after, self._place = state.get("key"), state.get("place", query.start)
        # A chain has no place to begin at but its first row.
        self._skip = 0 if state else query.start
        self._fetched = FetchedKeys()
        self._named = {state.get("token", "")}
        self._asked: set[str] = set()
        self._empty = 0
        self._queue: list[CursorPage] = [self._page(state.get("token", ""))]
        self._early: dict[int, tuple[CursorPage, FetchedPage | Exception]] = {}
        self.shortfall: tuple[int, int] | None = None

    def _ahead(self, token: str) -> CursorPage | None:
        # Where a chain leads back into itself, its pages must not be asked for again before that is noticed.
        return None if token in self._asked else self._page(token)

    def _page(self, token: str) -> CursorPage:
        self._asked.add(token)
        # A token names a row, not a page: the size may change from page to page.
        request = self._table.select(self._query, at=token, size=self._size)
        # How much of a slice is still to come is known only once the rows before were looked at.
        return CursorPage(
            request, self._size, token=token, make=self._ahead if self._query.stop is None else None
        )

    def next_request(self) -> PageRequest | None:
        """Give the next request: there is one at a time, since each page names the next."""
        page = self._queue[-1] if self._queue else None
        if page is None or page.sent:
            return None
        page.sent = True
        return page

    def receive(self, request: PageRequest, outcome: FetchedPage | Exception) -> None:
        """Take in what became of a request."""
        assert isinstance(request, CursorPage)
        if request.ahead:
            self._early[id(request)] = (request, outcome)  # the page that named it is still to come
            return
        if request not in self._queue:
            return  # the slice was full before this came
        if isinstance(outcome, Exception):
            if request.size > 1 and should_ask_for_less(request, outcome):
                self._size = request.size // 2
                self._queue[self._queue.index(request)] = again = self._page(request.token)
                again.timeouts = request.timeouts + 1
            elif request.token and isinstance(outcome, NotFoundError):
                request.error = missing_page(request.request, outcome)
            else:
                request.error = outcome
            return
        found = outcome.found
        try:
            rows = self._fresh(found.rows) if self._by_key else self._unseen(request, found.rows)
        except TransportError as error:
            request.error = error
            return
        skipped = min(self._skip, len(rows))
        request.rows, self._skip = rows[skipped:], self._skip - skipped
        # Nothing behind the end of a slice is asked for: with cursors there is no other way to stop early.
        due = self._query.stop is None or self._place + self._coming() < self._query.stop
        if (found.next is None and found.link is None) or not due:
            return
        self._empty = 0 if found.rows else self._empty + 1
        try:
            check_empty_pages(request.request, self._empty)
            token = self._next(request, found.next)
            follower = request.follower
            page = follower if isinstance(follower, CursorPage) else self._page(token)
            page.ahead = False
            self._queue.append(page)
            if early := self._early.pop(id(page), None):
                self.receive(*early)
        except TransportError as error:
            self._queue.append(CursorPage(request.request, request.size, sent=True, error=error, token=""))

    def _coming(self) -> int:
        return sum(len(page.rows or ()) for page in self._queue)

    def _next(self, page: CursorPage, token: Place | None) -> str:
        # A backend that ignores `pagination=cursor` answers with numbered pages, and would give the first for ever.
        if not isinstance(token, str):
            instead = (
                'Read with plan="pages" instead' if self._table.traits.numbers else "Read it again later"
            )
            raise self._broken(page, f"no cursor of it; it seems to know none. {instead}")
        # A chain that leads back into itself has no end, and no new rows: those that came are left out.
        if token in self._named:
            raise self._broken(page, "one that came before, so that there is no end. Read it again later")
        self._named.add(token)
        return token

    def _broken(self, page: CursorPage, why: str) -> TransportError:
        asked = page.request
        return TransportError(
            f"{asked.method} {asked.shown}: the backend names a next page, but {why}",
            method=asked.method,
            url=asked.shown,
        )

    def ready_rows(self) -> Window | None:
        """Give the next rows in order, or raise what they failed with; None while they are not there."""
        while self._queue:
            page = self._queue[0]
            if page.error is not None:
                raise page.error
            if page.rows is None:
                return None
            del self._queue[0]
            rows = self._checkpoint.rest(page.rows) if self._checkpoint.pending else page.rows
            if self._query.stop is not None:
                rows = rows[: self._query.stop - self._place]
            first, self._place = self._place, self._place + len(rows)
            if self._query.stop is not None and self._place >= self._query.stop:
                self._queue = []
            if rows:
                return self._checkpoint.window(first, rows, token=page.token)
        return None

    def _fresh(self, rows: list[Any]) -> list[Any]:
        """Leave out what was handed out before the reading was broken off, and before this page."""
        keys, after = self._keys(rows), self._after
        if after is not None:
            fresh = [key is None or ((key < after) if self._down else (key > after)) for key in keys]
            # What has no key was handed out where a row behind it was.
            passed = max((place + 1 for place, is_fresh in enumerate(fresh) if not is_fresh), default=0)
            kept = [is_fresh and (keys[at] is not None or at >= passed) for at, is_fresh in enumerate(fresh)]
            rows = [row for row, is_kept in zip(rows, kept, strict=True) if is_kept]
            # A page that lies before the place to go on from tells nothing about it.
            keys = [key for key, is_kept in zip(keys, kept, strict=True) if is_kept]
        self._after = next((key for key in reversed(keys) if key is not None), after)
        return rows

    def _unseen(self, page: CursorPage, rows: list[Any]) -> list[Any]:
        """Leave out what was handed out, in an order that keys do not tell: by the last key, and by all that came."""
        keys, after, self._after = self._keys(rows), self._after, None
        if after is not None and after not in keys:
            raise TransportError(
                f"{page.request.method} {page.request.shown}: the row that was handed out last is not on the page that "
                "it was on, so that nothing tells how far this got. Read from the start",
                method=page.request.method,
                url=page.request.shown,
            )
        first = 0 if after is None else keys.index(after) + 1
        named = list(zip(rows, keys, strict=True))
        for _, key in named[:first]:
            self._fetched.add(key)
        return [row for row, key in named[first:] if key is None or self._fetched.add(key)]

    def _keys(self, rows: list[Any]) -> list[Any]:
        return integer_keys(self._table, rows) if self._by_key else self._table.keys(rows)

    @property
    def done(self) -> bool:
        """Whether everything was given."""
        return not self._queue

    @property
    def buffered(self) -> int:
        """How many pages have come and were not given yet."""
        return sum(1 for page in self._queue if page.rows is not None)

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say where to go on: the cursor of the page, and the last key."""
        return {"token": window.token, **self._checkpoint.state(window, taken)}
