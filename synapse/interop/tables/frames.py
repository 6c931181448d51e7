"""Tables that users give as columns of Python values: anything with an Arrow stream, pandas frames, rows of dicts."""

from __future__ import annotations

import json
import re
import sys
import warnings

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import attrs

from synapse.errors import QueryError, describe, quoted
from synapse.mapping.unset import UNSET
from synapse.optional import needing
from synapse.orm.selection import Selection
from synapse.values import is_many, is_missing, plain

_UNNAMED_INDEX: Final = re.compile(r"__index_level_\d+__")
"""What pandas calls an index without a name in Arrow."""


@attrs.frozen(eq=False)
class Frame:
    """A table as columns of Python values; `entity` and `host` are named by one that a query made.

    What a row of dicts lacks is `UNSET`; a missing value is None. `index` has the levels of a pandas index that have
    names. Where `has_structs`, objects have lost which of their keys were null.
    """

    count: int
    columns: Mapping[str, list[Any]]
    is_text: bool = True
    entity: str = ""
    host: str = ""
    index: Mapping[str, list[Any]] = attrs.field(factory=dict)
    has_structs: bool = False

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return list(self.columns)


def frame_of(what: str, given: Any) -> Frame:
    """Take a table, or raise `QueryError`."""
    pandas, polars = (sys.modules.get(name) for name in ("pandas", "polars"))
    # Frames are read by their own means: on its way through Arrow, a pandas column of dicts would become a struct of
    # all keys that any of them has.
    if pandas is not None and isinstance(given, pandas.DataFrame):
        frame = _of_pandas(what, given)
    elif polars is not None and isinstance(given, polars.DataFrame):
        frame = _of_columns(what, given, given.columns, values=lambda name: given[name].to_list())
        frame = _without_filled_keys(frame)
    elif hasattr(given, "__arrow_c_stream__") or hasattr(given, "__arrow_c_array__"):
        frame = _without_filled_keys(_of_arrow(what, given))
    else:
        frame = _of_rows(what, given)
    for name in frame.columns:
        if not isinstance(name, str):
            raise QueryError(f"{what}: the name of a column is text, not {describe(name)}; nothing was sent")
    return frame


def _of_columns(
    what: str, given: Any, names: Iterable[Any], *, values: Callable[[Any], Iterable[Any]]
) -> Frame:
    names = list(names)
    _check_unique(what, names)
    return Frame(len(given), {name: [_present(each) for each in values(name)] for name in names})


def _of_pandas(what: str, given: Any) -> Frame:
    frame = _of_columns(what, given, given.columns, values=lambda name: given[name].tolist())
    _check_unique(what, [name for name in given.index.names if isinstance(name, str)])
    levels = {
        name: [_present(each) for each in given.index.get_level_values(place).tolist()]
        for place, name in enumerate(given.index.names)
        if isinstance(name, str) and name not in frame.columns
    }
    return attrs.evolve(frame, index=levels)


def _without_filled_keys(frame: Frame) -> Frame:
    """Take from objects the keys that are null: Arrow gives those of all rows to each, and pandas' index a name."""
    columns = {
        name: [_without_nulls(each) if isinstance(each, dict | list) else each for each in values]
        for name, values in frame.columns.items()
        if not _UNNAMED_INDEX.fullmatch(name)
    }
    return attrs.evolve(frame, columns=columns, has_structs=True)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def with_nulls_of(held: Any, value: Any) -> Any:
    """Give an object of a struct the keys back that are null in the row."""
    if isinstance(value, dict) and isinstance(held, dict):
        made = {key: with_nulls_of(held.get(key), each) for key, each in value.items()}
        return {**made, **{key: None for key, each in held.items() if each is None and key not in made}}
    if isinstance(value, list) and isinstance(held, list):
        if len(value) == len(held):
            return [with_nulls_of(*both) for both in zip(held, value, strict=True)]
        # What was in a list that others came to, or went from, is still what it was.
        there = {_content(each): each for each in held}
        return [there.get(_content(each), each) for each in value]
    return value


def _content(value: Any) -> str:
    return json.dumps(_without_nulls(value), sort_keys=True, default=repr)


def _of_arrow(what: str, given: Any) -> Frame:
    with suppress(ModuleNotFoundError):
        import pyarrow

        try:
            return _by_pyarrow(what, given)
        # A pandas or Polars series has a stream too, and times before the year 1 are no Python objects.
        except (pyarrow.ArrowException, OverflowError, KeyError) as error:
            raise _no_table(what, given, error) from None
    with needing("arrow", what=what):
        import nanoarrow as na
    try:
        with na.c_array_stream(given) as stream:
            return _by_nanoarrow(na, what, stream, given=given)
    except RuntimeError as error:  # what nanoarrow does not know, or knows otherwise
        raise _no_table(what, given, f"{error}; pyarrow may read it") from None


def _by_nanoarrow(na: Any, what: str, stream: Any, *, given: object) -> Frame:
    schema = na.Schema(stream.get_schema())
    if schema.type != na.Type.STRUCT:
        raise _no_table(what, given, "it is one column")
    names = [str(field.name) for field in schema.fields]
    _check_unique(what, names)
    for field in schema.fields:
        # nanoarrow 0.9 ends the process over long text in views, as Polars has it.
        if not {na.Type.STRING_VIEW, na.Type.BINARY_VIEW}.isdisjoint(_kinds(na, field)):
            raise QueryError(
                f"{what}: only pyarrow reads the column {quoted(field.name)}; install it. Nothing was sent"
            )
    columns: dict[str, list[Any]] = {name: [] for name in names}
    count = 0
    for chunk in stream:
        count += len(chunk)
        for name, child in zip(names, chunk.children, strict=True):
            columns[name] += _values(na, child)
    return Frame(count, columns, entity=_told(schema.metadata, "entity"), host=_told(schema.metadata, "host"))


def _no_table(what: str, given: object, why: object) -> QueryError:
    return QueryError(
        f"{what} takes a table, which a {type(given).__name__} is not ({why}); nothing was sent"
    )


def _kinds(na: Any, schema: Any) -> Iterator[Any]:
    """Give the type of a column and those of what is in it."""
    held = na.c_schema(schema)
    yield na.Schema(held).type
    for each in (*held.children, *([] if held.dictionary is None else [held.dictionary])):
        yield from _kinds(na, each)


def _by_pyarrow(what: str, given: Any) -> Frame:
    import pyarrow

    is_batch = not hasattr(given, "__arrow_c_stream__")
    table = pyarrow.Table.from_batches([pyarrow.record_batch(given)]) if is_batch else pyarrow.table(given)
    names = table.column_names
    _check_unique(what, names)
    # A map is an object; one that has a key twice is a `KeyError`.
    read = {name: table.column(name).to_pylist(maps_as_pydicts="strict") for name in names}
    columns = {name: [_present(each) for each in values] for name, values in read.items()}
    metadata = table.schema.metadata
    return Frame(table.num_rows, columns, entity=_told(metadata, "entity"), host=_told(metadata, "host"))


def _told(metadata: Any, name: str) -> str:
    """Give what a table that a query made says of itself."""
    return str(dict((metadata or {}).items()).get(f"synapse.{name}".encode(), b"").decode())


class Unreadable:
    """Stands for the values of a column that can be no field, such as a map."""

    def __init__(self, kind: str) -> None:
        self.kind = kind


def _values(na: Any, child: Any) -> list[Any]:
    # nanoarrow refuses the buffer that Polars gives to a column of missing values only.
    if na.Schema(child.schema).type == na.Type.NULL:
        return [None] * len(child)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # text that is marked as JSON is text
        try:
            return [_present(each) for each in na.Array(child).to_pylist()]
        except KeyError:
            return [Unreadable(str(na.Schema(child.schema).type.name).lower())] * len(child)


def _of_rows(what: str, given: object) -> Frame:
    expected = f"{what} takes a table: a frame, anything of Arrow, or rows of dicts; got {describe(given)}"
    if not is_many(given) or isinstance(given, Selection):
        raise QueryError(f"{expected}. Nothing was sent")
    rows: list[Any] = list(given)
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise QueryError(f"{expected}, whose row {number} is {describe(row)}. Nothing was sent")
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [_present(row.get(name, UNSET)) for row in rows] for name in names}
    return Frame(len(rows), columns, is_text=False)


def _present(value: Any) -> Any:
    return None if value is not None and value is not UNSET and is_missing(value) else plain(value)


def _check_unique(what: str, names: Sequence[Any]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise QueryError(f"{what}: several columns are called {quoted(str(twice[0]))}; nothing was sent")
