"""The rows that a query keeps once it was iterated."""

from __future__ import annotations

import os

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from synapse.session.process import Locks, blocking, is_in_coroutine

if TYPE_CHECKING:
    from synapse.session import Backend

R = TypeVar("R")
T = TypeVar("T")


class ResultCache(Generic[R]):
    """The rows that were fetched so far, page by page, until it is `whole`.

    A loop holds on to the result that it began with, whatever its query forgets meanwhile. `backend` is where the rows
    are from, once there are some.
    """

    def __init__(self, rows: Iterable[R] | None = None) -> None:
        self.rows: list[R] = [] if rows is None else list(rows)
        self.whole = rows is not None
        self.backend: Backend | None = None
        self._source: Iterator[list[R]] | None = None
        self._tables: dict[object, Any] = {}
        self._locks = Locks()
        self._reading_in: int | None = None

    def advance(self, begin: Callable[[], Iterator[list[R]]]) -> bool:
        """Fetch one more page, of those that *begin* gives; False when there is none."""
        with self._locks.mine:
            if self._reading_in not in (None, os.getpid()):
                # A thread of the parent was at it when this process was forked, and will not come back.
                self._reset()
            if self.whole:
                return False
            if is_in_coroutine():
                raise blocking(
                    "this query isn't fetched yet, and fetching it here", "`async for row in query`"
                )
            self._reading_in = os.getpid()
            try:
                if self._source is None:
                    self.rows, self._source = [], begin()
                page = next(self._source, None)
                if page is None:
                    self._source, self.whole = None, True
                    return False
                self.rows.extend(page)
                return True
            except BaseException:
                # A broken walk must not look like a finished one.
                self._reset()
                raise
            finally:
                self._reading_in = None

    def walk(self, begin: Callable[[], Iterator[list[R]]]) -> Iterator[R]:
        """Give every row, fetching pages as they are needed."""
        index = 0
        while True:
            while index < len(self.rows):
                yield self.rows[index]
                index += 1
            # Another thread may have fetched the last page since the loop looked.
            if not self.advance(begin) and index >= len(self.rows):
                return

    async def walk_async(
        self, begin: Callable[[], Iterator[list[R]]], convert: Callable[[R], Any] | None = None
    ) -> AsyncIterator[Any]:
        """Give every row, or what *convert* makes of it; pages are fetched and converted in worker threads."""
        from synapse.asynchronous.bridge import in_worker

        index = 0
        while True:
            page = self.rows[index:] if convert is None else []
            if not page:
                page = await in_worker(partial(self._page_behind, index, begin, convert))
            if not page:
                return
            for row in page:
                yield row
            index += len(page)

    def _page_behind(
        self, index: int, begin: Callable[[], Iterator[list[R]]], convert: Callable[[R], Any] | None
    ) -> list[Any]:
        while index >= len(self.rows) and self.advance(begin):
            pass
        page = self.rows[index:]
        return page if convert is None else list(map(convert, page))

    def table(self, key: object, read: Callable[[], T], *, backend: Backend) -> T:
        """Give a table of the rows, read once."""
        with self._locks.mine:
            if key not in self._tables:
                self._tables[key], self.backend = read(), backend
            found: T = self._tables[key]
            return found

    def _reset(self) -> None:
        self.rows, self._source, self.whole, self.backend = [], None, False, None
