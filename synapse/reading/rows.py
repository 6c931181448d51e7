"""What `iterator()` gives: rows one after the other, read ahead, and where the reading stands."""

from __future__ import annotations

import logging

from collections.abc import Callable, Iterator
from contextlib import suppress
from operator import length_hint
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, Self, TypeVar, cast

import attrs

from synapse.errors import MappingError, QueryError, SynapseError
from synapse.reading import checkpoint
from synapse.session.process import Locks, undisturbed

if TYPE_CHECKING:
    from synapse.reading.read import RowReader
    from synapse.reading.route import Window

R = TypeVar("R")
S = TypeVar("S")
OnBadRow = Literal["raise", "skip"]

MOST_BAD: Final = 1_000
"""So many errors of bad rows are kept; the rest is counted."""

LEFT_OUT: Final = "%d rows did not fit and were left out; the first: %s"

_log: Final = logging.getLogger("synapse")


@attrs.frozen(eq=False, repr=False)
class _Part(Generic[R]):
    """Rows of a window from place `start` on, behind a bad one if there is an `error`."""

    start: int
    rows: list[R]
    error: MappingError | None = None


class Rows(Generic[R]):
    """An iterator over the rows of a query, which can be stopped, and resumed elsewhere.

    `checkpoint` is the position after the last row that was returned, and `queryset.resume(checkpoint)` continues
    there. A `SynapseError` that ends the iteration has it, too.

    A row that does not fit its entity raises `MappingError` when its turn comes, and counts as returned: `next()` goes
    on with the row after it. `on_bad_row="skip"` leaves such rows out: `bad` holds the first 1,000 errors, and
    `bad_count` counts all of them.

    If converting a page was interrupted, or related data could not be fetched, `next()` tries the page again. After any
    other error the iterator has ended: each further `next()` raises an error.
    """

    def __init__(
        self,
        reader: RowReader,
        load: Callable[[Window], list[R | MappingError]],
        *,
        stamp: checkpoint.Fingerprints,
        state: dict[str, Any] | None = None,
        skip: bool = False,
    ) -> None:
        self.bad: list[MappingError] = []
        self.bad_count = 0
        self._reader, self._load, self._stamp, self._skip = reader, load, stamp, skip
        self._state = state or {}
        self._due: Window | None = None
        self._window: Window | None = None
        self._start = 0
        self._rows: list[R] = []
        self._parts: list[_Part[R]] = []
        self._left: Iterator[R] = iter(())
        self._locks = Locks()
        self._ended = False
        self._broke = ""
        self._told = False

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> R:
        while True:
            # Handed out in one step, outside of the lock: an interrupt at its release would lose the row.
            for row in self._left:
                return row
            with self._locks.mine:
                # Another thread may have brought the next rows since.
                if not self.is_ready:
                    self._next_rows()

    def _next_rows(self) -> None:
        if self._parts:
            self._next_part()
            return
        # The page before goes only when the next one is made, and with as many objects: once the collector may look
        # again, there is nothing new to look at.
        with undisturbed():
            self._next_page()
            self._next_part()

    @property
    def is_ready(self) -> bool:
        """Whether the next row is here, so that `next()` does not wait for it."""
        return bool(length_hint(self._left))

    def fetch(self) -> bool:
        """Fetch the next page, unless there are rows of the last one, and tell whether there are more rows."""
        with self._locks.mine:
            with suppress(StopIteration):
                while not self.is_ready:
                    self._next_rows()
            return self.is_ready

    def _next_page(self) -> None:
        try:
            if self._due is None and not self._ended:
                self._read()
            window = self._due
            rows = [] if window is None else self._load(window)
        except SynapseError as error:
            if self._ended:
                # Another thread closed it, which is what broke this.
                raise StopIteration from None
            error.checkpoint = self.checkpoint
            raise
        if self._ended or window is None:
            self._tell()
            raise StopIteration
        self._state = self._stands
        parts, left = _parted(rows), iter(())
        # In one step, so that an interrupt finds the page either due or being handed out.
        self._window, self._due, self._parts = window, None, parts
        self._start, self._rows, self._left = 0, [], left

    def _next_part(self) -> None:
        """Go on with the rows behind a bad one, having told of that."""
        part, parts = self._parts[0], self._parts[1:]
        left, room = iter(part.rows), len(self.bad) < MOST_BAD
        if part.error is not None and not self._skip:
            part.error.checkpoint = self._written(self._behind(part.start))
        # In one step, so that an interrupt finds the bad row either ahead or told.
        self._start, self._rows, self._left, self._parts = part.start, part.rows, left, parts
        if part.error is None:
            return
        if not self._skip:
            raise part.error
        self.bad_count += 1
        if room:
            self.bad.append(part.error)

    def _tell(self) -> None:
        """Say once, at the end, that rows were left out."""
        if self.bad_count and not self._told:
            self._told = True
            _log.warning(LEFT_OUT, self.bad_count, self.bad[0])

    def _read(self) -> None:
        """Have the next window due; whatever interrupts that may have lost one, so that nothing can follow it."""
        if self._broke:
            raise QueryError(
                f"this reading broke off ({self._broke}) before its end, and gives no more rows; go on with "
                "queryset.resume(rows.checkpoint), which is error.checkpoint as well"
            )
        self._broke = "interrupted"
        try:
            self._due = self._reader.next()
        except BaseException as error:
            self._broke = type(error).__name__
            self._reader.close()
            raise
        self._broke, self._ended = "", self._ended or self._due is None

    @property
    def _stands(self) -> dict[str, Any]:
        return self._behind(self._start + len(self._rows) - length_hint(self._left))

    def _behind(self, taken: int) -> dict[str, Any]:
        """Say where to go on behind so many rows of the window."""
        return self._reader.state(self._window, taken) if self._window is not None and taken else self._state

    def _written(self, state: dict[str, Any]) -> str:
        return checkpoint.write(self._stamp, plan=self._reader.plan, state=state)

    @property
    def checkpoint(self) -> str:
        """The position after the last row that was returned, as text without secrets."""
        return self._written(self._stands)

    def close(self) -> None:
        """Stop reading: nothing more is sent, and requests in flight are not waited for."""
        self._ended = True
        self._reader.close()
        self._state = self._stands
        self._window, self._due, self._parts = None, None, []
        self._start, self._rows, self._left = 0, [], iter(())
        self._tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def converted(self, convert: Callable[[R], S]) -> Rows[S]:
        """Return an iterator that converts each row."""
        before = self._load

        def load(window: Window) -> list[S | MappingError]:
            return [
                row if isinstance(row, MappingError) else _converted(row, convert, number=number)
                for number, row in enumerate(before(window), window.first + 1)
            ]

        return Rows(self._reader, load, stamp=self._stamp, state=self._state, skip=self._skip)

    def __reduce__(self) -> Any:
        raise TypeError(
            "a reading in progress cannot be pickled; keep rows.checkpoint, which is text, and go on with "
            "queryset.resume(checkpoint) there"
        )

    def __repr__(self) -> str:
        return f"<Rows by {self._reader.plan}>"


def _parted(rows: list[R | MappingError]) -> list[_Part[R]]:
    """Cut a page at its bad rows."""
    if MappingError not in map(type, rows):
        return [_Part(0, cast("list[R]", rows))]
    parts: list[_Part[R]] = [_Part(0, [])]
    for place, row in enumerate(rows):
        if isinstance(row, MappingError):
            parts.append(_Part(place + 1, [], row))
        else:
            parts[-1].rows.append(row)
    return parts


def _converted(row: R, convert: Callable[[R], S], *, number: int) -> S | MappingError:
    try:
        return convert(row)
    except MappingError as error:
        error.row, error.key = number, getattr(row, "pk", None)
        return error
