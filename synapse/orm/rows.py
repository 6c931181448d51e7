"""What `iterator()` gives: rows one after the other, read ahead, and where the reading stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from synapse.errors import QueryError, SynapseError
from synapse.orm import checkpoint
from synapse.session.forks import Locks

if TYPE_CHECKING:
    from synapse.orm.pages import Window
    from synapse.orm.reading import Reader

R = TypeVar("R")
S = TypeVar("S")


class Rows(Generic[R]):
    """An iterator over the rows of a query, which can be stopped, and gone on from elsewhere.

    Rows that were handed out count as done: `checkpoint` is the place behind the last of them, and
    `queryset.resume(checkpoint)` goes on there. A `SynapseError` that breaks the walk carries it as well.

    A page that could not be made into objects, or was interrupted meanwhile, is tried again when the next row is asked
    for. A walk that broke otherwise is not gone on with here: to ask for another row is an error from then on.
    """

    def __init__(
        self,
        reader: Reader,
        load: Callable[[Window], list[R]],
        *,
        stamp: tuple[str, str],
        state: dict[str, Any] | None = None,
    ) -> None:
        self._reader, self._load, self._stamp = reader, load, stamp
        self._state = state or {}
        self._due: Window | None = None
        self._window: Window | None = None
        self._rows: list[R] = []
        self._left: Iterator[R] = iter(())
        self._locks = Locks()
        self._ended = False
        self._broke = ""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> R:
        for row in self._left:
            return row
        with self._locks.mine:
            # Another thread may have brought the next page since.
            for row in self._left:
                return row
            return self._next_page()

    def _next_page(self) -> R:
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
            raise StopIteration
        self._state = self._stands
        # In one step, so that an interrupt finds the page either due or being handed out.
        self._window, self._due, self._rows, self._left = window, None, rows, iter(rows)
        return next(self._left)

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
        taken = len(self._rows) - cast("Any", self._left).__length_hint__()
        return self._reader.state(self._window, taken) if self._window is not None and taken else self._state

    @property
    def checkpoint(self) -> str:
        """Where the reading stands: everything that was handed out so far counts as done. It holds no secrets."""
        return checkpoint.write(self._stamp, plan=self._reader.plan, state=self._stands)

    def close(self) -> None:
        """Stop reading: nothing more is sent, and what is under way is not waited for."""
        self._ended = True
        self._reader.close()
        self._state = self._stands
        self._window, self._due, self._rows, self._left = None, None, [], iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def converted(self, convert: Callable[[R], S]) -> Rows[S]:
        """Give the same rows as other values."""
        load = self._load
        return Rows(
            self._reader,
            lambda window: [convert(row) for row in load(window)],
            stamp=self._stamp,
            state=self._state,
        )

    def __reduce__(self) -> Any:
        raise TypeError(
            "a reading in progress cannot be pickled; keep rows.checkpoint, which is text, and go on with "
            "queryset.resume(checkpoint) there"
        )

    def __repr__(self) -> str:
        return f"<Rows by {self._reader.plan}>"
