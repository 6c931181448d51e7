"""What `iterator()` gives: rows one after the other, read ahead, and where the reading stands."""

from __future__ import annotations

import threading

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

from synapse.errors import SynapseError
from synapse.orm import checkpoint

if TYPE_CHECKING:
    from synapse.orm.pages import Window
    from synapse.orm.reading import Reader

R = TypeVar("R")
S = TypeVar("S")


class Rows(Generic[R]):
    """An iterator over the rows of a query, which can be stopped, and gone on from elsewhere.

    Rows that were handed out count as done: `checkpoint` is the place behind the last of them, and
    `queryset.resume(checkpoint)` goes on there. A `SynapseError` that breaks the walk carries it as well.
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
        self._window: Window | None = None
        self._rows: list[R] = []
        self._left: Iterator[R] = iter(())
        self._lock = threading.Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> R:
        for row in self._left:
            return row
        with self._lock:
            # Another thread may have brought the next page since.
            for row in self._left:
                return row
            return self._next_page()

    def _next_page(self) -> R:
        try:
            window = self._reader.next()
            rows = [] if window is None else self._load(window)
        except SynapseError as error:
            error.checkpoint = self.checkpoint
            self.close()
            raise
        if window is None:
            raise StopIteration
        self._state = self._stands
        self._window, self._rows, self._left = window, rows, iter(rows)
        return next(self._left)

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
        self._reader.close()
        self._state = self._stands
        self._window, self._rows, self._left = None, [], iter(())

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

    def __repr__(self) -> str:
        return f"<Rows by {self._reader.plan}>"
