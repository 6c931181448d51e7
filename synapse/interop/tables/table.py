"""What users hold of a table: record batches, whole tables, and the report of one that was written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import attrs

from synapse.errors import MappingError
from synapse.session.process import undisturbed
from synapse.showing import bounded, printable


@attrs.frozen(eq=False, repr=False)
class Batch:
    """A record batch, which Arrow libraries take; `checkpoint` is the position behind its last row."""

    num_rows: int
    checkpoint: str
    _array: Any
    _schema: Any

    def __len__(self) -> int:
        return self.num_rows

    def __arrow_c_schema__(self) -> object:
        return self._schema.__arrow_c_schema__()

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        # A schema that is asked for is cast to by whoever asks, as the protocol leaves it.
        return self._array.__arrow_c_array__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return stream_of([self._array], self._schema)

    def __repr__(self) -> str:
        return f"<Batch of {self.num_rows:,} rows>"


def stream_of(arrays: Sequence[Any], schema: Any) -> object:
    """Give a stream of batches that are here."""
    from nanoarrow import c_schema
    from nanoarrow.c_array_stream import CArrayStream

    return CArrayStream.from_c_arrays(list(arrays), c_schema(schema)).__arrow_c_stream__()


@attrs.frozen(eq=False, repr=False)
class ArrowTable:
    """A table of Arrow, which libraries take without a copy: `pyarrow.table(table)`, `polars.DataFrame(table)`.

    `bad` holds the errors of rows that were left out, as `on_bad_row="skip"` says.
    """

    column_names: list[str]
    num_rows: int
    _batches: list[Any]
    _schema: Any
    bad: list[MappingError] = attrs.field(factory=list)

    @classmethod
    def of(cls, batches: Batches, *, advanced: Callable[[int], object] = lambda count: None) -> Self:
        """Read all batches."""
        made, rows = [], 0
        with batches:
            for batch in batches:
                made.append(batch._array)
                rows += batch.num_rows
                advanced(batch.num_rows)
        return cls(batches.column_names, rows, made, batches.schema, batches.bad)

    @property
    def num_columns(self) -> int:
        """The number of columns."""
        return len(self.column_names)

    def __len__(self) -> int:
        return self.num_rows

    def __arrow_c_schema__(self) -> object:
        return self._schema.__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return stream_of(self._batches, self._schema)

    def __repr__(self) -> str:
        return f"<ArrowTable of {self.num_rows:,} rows: {', '.join(self.column_names)}>"


class ColumnSource(Protocol):
    """Where batches come from: columns of Python values, and where they stand."""

    checkpoint: str

    @property
    def bad(self) -> list[MappingError]:
        """The errors of rows that were left out."""
        ...

    @property
    def bad_count(self) -> int:
        """The number of rows that were left out."""
        ...

    def __next__(self) -> tuple[list[Any], int]:
        """Give the columns of the next batch, and the number of its rows."""
        ...

    def close(self) -> None:
        """Stop reading."""


class Batches:
    """An iterator over record batches, which reads ahead and holds no more than a batch.

    `checkpoint` is the position behind the last batch; `query.batches(checkpoint=...)` goes on there, in this process
    or another one. `bad` and `bad_count` tell of rows that `on_bad_row="skip"` left out.
    """

    def __init__(
        self,
        columns: ColumnSource,
        build: Callable[[list[Any], int], Any],
        *,
        schema: Any,
        column_names: list[str],
    ) -> None:
        self.schema, self.column_names = schema, column_names
        self._columns, self._build = columns, build

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Batch:
        columns, count = next(self._columns)
        with undisturbed():
            built = self._build(columns, count)
        return Batch(count, self.checkpoint, built, self.schema)

    @property
    def checkpoint(self) -> str:
        """The position behind the last batch, as text without secrets."""
        return self._columns.checkpoint

    @property
    def bad(self) -> list[MappingError]:
        """The errors of rows that were left out, the first 1,000."""
        return self._columns.bad

    @property
    def bad_count(self) -> int:
        """The number of rows that were left out."""
        return self._columns.bad_count

    def close(self) -> None:
        """Stop reading."""
        self._columns.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@bounded
@attrs.frozen
class TableReport:
    """What was written: `rows` in this call, of `total` that are there now, in these `files`.

    `bad` holds the errors of rows that were left out, the first 1,000 of `bad_count`.
    """

    path: Path
    rows: int
    total: int
    files: tuple[Path, ...]
    bad: tuple[MappingError, ...] = ()
    bad_count: int = 0

    def __len__(self) -> int:
        return self.rows

    @property
    def size(self) -> int:
        """The bytes of the files."""
        return sum(file.stat().st_size for file in self.files)

    def __str__(self) -> str:
        there = f", {self.total:,} there now" if self.total != self.rows else ""
        left_out = f", {self.bad_count:,} that do not fit left out" if self.bad_count else ""
        count = f" in {len(self.files):,} files" if len(self.files) > 1 else ""
        return printable(f"{self.path}: {self.rows:,} rows written{there}{count}{left_out}")
