"""Record batches of Arrow, built from columns of Python values without a copy of pyarrow."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from typing import Any, Final

from synapse.interop.tables.batches import ColumnBatches
from synapse.interop.tables.columns import Column, TableSource
from synapse.interop.tables.pages import FILE_FACTS, JsonColumn, Values, json_list
from synapse.interop.tables.table import Batches
from synapse.optional import needing

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


# --- types --------------------------------------------------------------------
def schema_of(source: TableSource) -> Any:
    """Give the schema of a table."""
    with needing("arrow", what="a table of Arrow"):
        import msgspec  # noqa: F401 - pages are decoded by it
        import nanoarrow as na
    fields = {column.name: _type(na, column, source) for column in source.columns}
    return na.Schema(na.struct(fields), nullable=False, metadata=dict(source.metadata))


def _type(na: Any, column: Column, source: TableSource) -> Any:
    plain = {
        "int": na.int64,
        "bool": na.bool_,
        "float": na.float64,
        "text": na.string,
        "choice": na.string,
    }
    if column.type is not None:
        return na.Schema(column.type.arrow)
    if column.kind in plain:
        return plain[column.kind](nullable=not column.is_key)
    if column.kind == "moment":
        return na.timestamp("us", "UTC")
    if column.kind == "list":
        return na.list_(plain[column.item or "text"]())
    if column.kind in ("file", "files"):
        kinds = {"is_primary": na.bool_, "size": na.int64}
        facts = {name: kinds.get(name, na.string)() for name in FILE_FACTS if source.urls or name != "url"}
        file = na.struct(facts)
        return file if column.kind == "file" else na.map_(na.string(nullable=False), file)
    return na.string() if source.plain_json else na.extension_type(na.string(), "arrow.json", "")


# --- values -------------------------------------------------------------------
def _bits(flags: Iterable[bool]) -> bytes:
    digits = "".join(["1" if flag else "0" for flag in flags])
    return int(digits[::-1], 2).to_bytes(-(-len(digits) // 8), "little") if digits else b""


class _Builder:
    """Builds arrays of one schema out of Python values."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self.make = make

    def _array(
        self, schema: Any, values: Values, buffers: Sequence[Any], children: Sequence[Any] = ()
    ) -> Any:
        nulls = values.count(None)
        valid = _bits(value is not None for value in values) if nulls else None
        return self.make(schema, len(values), [valid, *buffers], null_count=nulls, children=children)

    def numbers(self, schema: Any, values: Values, code: str) -> Any:
        """Build int64 or float64."""
        return self._array(schema, values, [array(code, [value or 0 for value in values])])

    def integers(self, schema: Any, values: Values) -> Any:
        """Build int64."""
        return self.numbers(schema, values, "q")

    def floats(self, schema: Any, values: Values) -> Any:
        """Build float64."""
        return self.numbers(schema, values, "d")

    def flags(self, schema: Any, values: Values) -> Any:
        """Build truth values."""
        return self._array(schema, values, [_bits(value is True for value in values)])

    def moments(self, schema: Any, values: Values) -> Any:
        """Build timestamps in microseconds."""
        ticks = [None if value is None else (value - _EPOCH) // _MICROSECOND for value in values]
        return self.numbers(schema, ticks, "q")

    def texts(self, schema: Any, values: Values) -> Any:
        """Build strings; half of a surrogate pair, which Arrow can't hold, becomes a question mark."""
        joined = "".join(values if None not in values else filter(None, values))
        if joined.isascii():
            lengths = [0 if value is None else len(value) for value in values]
            return self._array(schema, values, [_offsets(lengths), joined.encode()])
        encoded = [b"" if value is None else value.encode(errors="replace") for value in values]
        return self._array(schema, values, [_offsets(map(len, encoded)), b"".join(encoded)])

    def json(self, schema: Any, values: JsonColumn) -> Any:
        """Build strings of JSON texts."""
        lengths = values.lengths
        return self._array(schema, lengths, [_offsets(length or 0 for length in lengths), values.data])

    def lists(self, schema: Any, values: Values, item: str) -> Any:
        """Build lists; no list and an empty one are kept apart."""
        held = [value or () for value in values]
        inner = self.build(item, schema.child(0), list(chain.from_iterable(held)))
        return self._array(schema, values, [_offsets(map(len, held))], [inner])

    def files(self, schema: Any, values: Values) -> Any:
        """Build maps of files by their names."""
        held = [value or {} for value in values]
        names = list(chain.from_iterable(held))
        facts = list(chain.from_iterable(each.values() for each in held))
        entries = schema.child(0)
        children = [self.texts(entries.child(0), names), self.structs(entries.child(1), facts)]
        inner = self._array(entries, names, [], children)
        return self._array(schema, values, [_offsets(map(len, held))], [inner])

    def structs(self, schema: Any, values: Values) -> Any:
        """Build files."""
        by_name = {"is_primary": self.flags, "size": self.integers}
        empty = (None,) * len(FILE_FACTS)
        columns = dict(zip(FILE_FACTS, zip(*(value or empty for value in values), strict=True), strict=False))
        children = [
            by_name.get(child.name, self.texts)(child, list(columns.get(child.name, ())))
            for child in schema.children
        ]
        return self._array(schema, values, [], children)

    def build(self, kind: str, schema: Any, values: Values, item: str = "text") -> Any:
        """Build the array of a column."""
        if kind == "list":
            return self.lists(schema, values, item)
        by_kind: dict[str, Callable[[Any, Any], Any]] = {
            "int": self.integers,
            "bool": self.flags,
            "float": self.floats,
            "text": self.texts,
            "choice": self.texts,
            "moment": self.moments,
            "file": self.structs,
            "files": self.files,
            "json": self.json,
            "extra": self.json,
        }
        return by_kind[kind](schema, values)


def _offsets(lengths: Iterable[int]) -> array[int]:
    return array("i", accumulate(lengths, initial=0))


def batches_of(columns: ColumnBatches) -> Batches:
    """Give record batches of columns."""
    source, schema = columns.source, schema_of(columns.source)
    from nanoarrow import c_array_from_buffers, c_schema

    builder = _Builder(c_array_from_buffers)

    def build(values: list[Values], count: int) -> Any:
        whole = c_schema(schema)
        children = [
            column.type.array(json_list(each))
            if column.type is not None
            else builder.build(column.kind, child, each, column.item or "text")
            for column, child, each in zip(source.columns, whole.children, values, strict=True)
        ]
        return builder.make(whole, count, [None], null_count=0, children=children)

    return Batches(columns, build, schema=schema, column_names=[column.name for column in source.columns])
