"""The rows of a query in batches of columns, whatever is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby, islice
from typing import Any, Final, Self

from synapse.errors import MappingError, SynapseError
from synapse.interop.tables.columns import TableSource
from synapse.interop.tables.pages import JsonColumn, Page, PageReader, Values
from synapse.orm.results import Results
from synapse.reading.read import ReadOptions
from synapse.reading.rows import Rows

LARGE: Final = 4 << 20
"""A batch ends with the page by which its JSON takes so many bytes: several times that is held on the way."""


class ColumnBatches:
    """Columns of Python values, batch by batch; `checkpoint` is the position behind the last one."""

    def __init__(
        self, source: TableSource, *, size: int, how: ReadOptions, skip: bool, checkpoint: str | None = None
    ) -> None:
        selection = source.selection
        results: Results[Any] = Results(selection.entity, selection.query, selection.session)
        how = how if checkpoint is None else results.behind(checkpoint, how=how)
        load = PageReader(source, results.table).load
        self.source = source
        self._most = size
        self._rows: Rows[Page] = results.stream_of(load, how=how, skip=skip)
        # Rows of the next batch, each as the page that it is on, and the position behind the last whole page.
        self._taken: list[Page] = []
        self._bytes = 0
        self._due: SynapseError | None = None
        self.checkpoint = self._behind = self._rows.checkpoint

    @property
    def bad(self) -> list[MappingError]:
        """The errors of rows that were left out."""
        return self._rows.bad

    @property
    def bad_count(self) -> int:
        """The number of rows that were left out."""
        return self._rows.bad_count

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[list[Values], int]:
        """Give the next columns and the number of their rows; an error comes once the rows before it were given."""
        if self._due is not None:
            error, self._due = self._due, None
            raise error
        try:
            self._fill()
        except SynapseError as error:
            if not self._taken:
                raise
            self._due = error
        else:
            self._behind = self._rows.checkpoint
        taken, self._taken, self._bytes = self._taken, [], 0
        if not taken:
            raise StopIteration
        self.checkpoint = self._behind
        return _columns_of(taken), len(taken)

    def _fill(self) -> None:
        """Take rows until there are enough."""
        for page in islice(self._rows, self._most - len(self._taken)):
            self._taken.append(page)
            page.left -= 1
            if not page.left:
                self._behind, self._bytes = self._rows.checkpoint, self._bytes + page.size
                if self._bytes > LARGE:
                    return

    def close(self) -> None:
        """Stop reading."""
        self._rows.close()


def _columns_of(taken: list[Page]) -> list[Values]:
    parts = [page.take(len(list(rows))) for page, rows in groupby(taken)]
    if len(parts) == 1:
        return parts[0]
    return [_joined(column) for column in zip(*parts, strict=True)]


def _joined(parts: Sequence[Values]) -> Values:
    if not isinstance(parts[0], JsonColumn):
        return list(chain.from_iterable(parts))
    made = JsonColumn()
    made.data = b"".join(part.data for part in parts)
    made.lengths = list(chain.from_iterable(part.lengths for part in parts))
    return made
