"""JSON as structs of Arrow, by types that are given or inferred; what doesn't fit is told by its row and its column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

import attrs

from synapse.errors import MappingError, QueryError, describe, did_you_mean, quoted
from synapse.interop.tables.columns import TableSource
from synapse.interop.tables.json_types import JsonType
from synapse.interop.tables.pages import JsonColumn, json_list
from synapse.interop.tables.table import ArrowTable
from synapse.optional import needing
from synapse.query.kinds import LARGEST

Tree: TypeAlias = Any
"""What JSON is known to hold: None for nothing yet, a class, `[Tree]` for lists, a dict of them for objects."""


class _Large(int):
    """Stands for integers that no float holds exactly."""


_EXACT: Final = 2**53
_COMMON: Final = {frozenset((int, float)): float, frozenset((int, _Large)): _Large}
_NAMES: Final = {
    bool: "a truth value",
    int: "an integer",
    _Large: "an integer beyond 2**53",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}


# --- what is asked for ----------------------------------------------------------
def with_types(source: TableSource, json: object, *, what: str, streams: bool = False) -> TableSource:
    """Give the columns of JSON the types that are asked for; whatever asks for none raises `QueryError`."""
    if json == "text":
        return source
    with needing("parquet", what=f"{what}(json=...)"):
        import pyarrow  # noqa: F401
    if json == "struct" and streams:
        raise QueryError(
            f"{what}(json='struct'): rows stream, and what all of them hold is known only behind the last one. Name "
            "the types, json={'meta': pyarrow.struct([...])}, such as those of the first rows: "
            "pyarrow.table(query[:1000].to_arrow(json='struct')).schema.field('meta').type. Nothing was sent"
        )
    if json == "struct":
        return source
    if not isinstance(json, Mapping):
        raise QueryError(
            f"{what}(json=...) takes 'text', 'struct' or {{column: type of pyarrow}}, got {describe(json)}; "
            "nothing was sent"
        )
    return _typed(source, json, what=what)


def _typed(source: TableSource, json: Mapping[Any, Any], *, what: str) -> TableSource:
    known = [column.name for column in source.columns if column.kind == "json"]
    types = {}
    for name, kind in json.items():
        if name not in known:
            raise QueryError(
                f"{what}(json=...): there is no column {quoted(str(name))} of JSON{did_you_mean(str(name), known)}. "
                f"Columns of JSON: {', '.join(known) or 'none'}. Nothing was sent"
            )
        try:
            types[name] = JsonType.of(kind)
        except ValueError as error:
            raise QueryError(f"{what}(json={{{name!r}: ...}}): {error}; nothing was sent") from None
    columns = tuple(attrs.evolve(each, type=types.get(each.name)) for each in source.columns)
    return attrs.evolve(source, columns=columns)


# --- inferred -------------------------------------------------------------------
def inferred(table: ArrowTable, source: TableSource) -> ArrowTable:
    """Make structs of the JSON of a whole table, which hold what any row has."""
    import pyarrow

    from nanoarrow import Schema, c_array

    made = pyarrow.table(table)
    for place, column in enumerate(source.columns):
        if column.kind == "json":
            texts = JsonColumn(
                None if each is None else each.encode() for each in made.column(place).to_pylist()
            )
            kind = _inferred_type(texts, column.name)
            made = made.set_column(
                place, pyarrow.field(column.name, kind.arrow), kind.array(json_list(texts))
            )
    batches = [c_array(batch) for batch in made.to_batches()]
    return ArrowTable(table.column_names, table.num_rows, batches, Schema(made.schema), table.bad)


class _MixedError(ValueError):
    """A value that cannot be in one column with those before it; `path` leads there, from its end."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.path: list[str] = []

    def __str__(self) -> str:
        return f"at `${''.join(reversed(self.path))}` there is {super().__str__()}"


def _inferred_type(texts: JsonColumn, name: str) -> JsonType:
    """Choose the type that every text of a column fits."""
    import msgspec

    known: Tree = None
    row = 0
    try:
        for text in texts:
            row += 1
            known = known if text is None else _joined(known, msgspec.json.decode(text))
        return JsonType.of(_arrow_type(known))
    except (ValueError, RecursionError) as error:
        made = MappingError(
            f"row {row}, column {quoted(name)}: {error}. Name the types that the column is to have, "
            f"json={{{name!r}: pyarrow.struct([...])}}, or leave it text"
        )
        made.row = row
        raise made from None


def _joined(known: Tree, value: Any) -> Tree:
    """Add what one value holds."""
    kind = type(value)
    if value is None:
        return known
    if kind is dict and (known is None or type(known) is dict):
        known = {} if known is None else known
        for key, each in value.items():
            known[key] = _at(f".{key}", known.get(key), each)
        return known
    if kind is list and (known is None or type(known) is list):
        inner = known[0] if known else None
        for each in value:
            inner = _at("[...]", inner, each)
        return [inner]
    if kind is int and not -LARGEST - 1 <= value <= LARGEST:
        raise _MixedError(f"{value}, which is beyond 64 bits")
    if kind is int and not -_EXACT <= value <= _EXACT:
        kind = _Large
    if known in (None, kind):
        return kind
    if isinstance(known, type) and (common := _COMMON.get(frozenset((kind, known)))):
        return common
    raise _MixedError(f"{_name(kind)}, and {_name(known)} in a row before")


def _at(step: str, known: Tree, value: Any) -> Tree:
    try:
        return _joined(known, value)
    except _MixedError as error:
        error.path.append(step)
        raise


def _name(tree: Tree) -> str:
    return _NAMES[tree if isinstance(tree, type) else type(tree)]


def _arrow_type(tree: Tree) -> Any:
    import pyarrow

    if isinstance(tree, list):
        return pyarrow.list_(_arrow_type(tree[0]))
    if isinstance(tree, dict) and tree:
        return pyarrow.struct([(name, _arrow_type(each)) for name, each in tree.items()])
    if tree == {}:
        # Objects that are all empty: Parquet holds no struct without fields.
        return pyarrow.map_(pyarrow.string(), pyarrow.string())
    return {
        None: pyarrow.null,
        bool: pyarrow.bool_,
        int: pyarrow.int64,
        _Large: pyarrow.int64,
        float: pyarrow.float64,
        str: pyarrow.string,
    }[tree]()
