"""The columns of a table: which fields they have, and of which types, by the annotations alone."""

from __future__ import annotations

import enum
import types

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final, Literal, Self, TypeAlias, Union, get_args, get_origin
from uuid import UUID

import attrs

from synapse.dialects import Table
from synapse.downloads import RemoteFile
from synapse.errors import QueryError, did_you_mean, quoted
from synapse.interop.tables.json_types import JsonType
from synapse.mapping.codecs import split_optional
from synapse.orm import arguments
from synapse.orm.record import FieldPath, schema_of, table_of
from synapse.orm.selection import Selection, evolved
from synapse.orm.values import Values, narrowed_to, selected_by
from synapse.query import FetchMode
from synapse.query.arguments import spelled

Kind: TypeAlias = Literal[
    "int", "bool", "float", "text", "choice", "moment", "json", "list", "file", "files", "extra"
]
EXTRA: Final = "extra"
"""The column of what came beside the fields; it is there when it is named."""

_SCALARS: Final[dict[Any, Kind]] = {
    int: "int",
    bool: "bool",
    float: "float",
    str: "text",
    datetime: "moment",
    **dict.fromkeys((date, time, timedelta, Decimal, UUID), "text"),
}


@attrs.frozen
class Column:
    """One column; `item` is the kind of what a list holds. Only the key of the rows is never null.

    `type` is what JSON is to be, where that is not text.
    """

    name: str
    kind: Kind
    path: FieldPath | None = None
    item: Kind | None = None
    is_key: bool = False
    type: JsonType | None = None

    @classmethod
    def of(cls, name: str, path: FieldPath, *, pk: str) -> Self:
        """Lay out the column of a field."""
        kind, item = kind_of(path.field.annotation)
        return cls(name, kind, path, item, is_key=not path.relations and path.field.name == pk)

    @property
    def field(self) -> str:
        """The name of the field; empty for what is beside the fields."""
        return self.path.field.name if self.path else ""

    @property
    def relations(self) -> tuple[str, ...]:
        """The relations that lead to the object that has the field."""
        return self.path.relations if self.path else ()


def kind_of(annotation: Any) -> tuple[Kind, Kind | None]:
    """Choose the kind of a column; whatever is no plain value is JSON."""
    kind, _ = split_optional(annotation)
    if kind in _SCALARS:
        return _SCALARS[kind], None
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return kind_of(inner[0])
    if origin in (Union, types.UnionType):
        found = {kind_of(each)[0] for each in inner}
        return ("choice" if found == {"choice", "text"} else "json"), None
    if isinstance(kind, type) and issubclass(kind, enum.Enum) and issubclass(kind, str):
        return "choice", None
    if kind is RemoteFile:
        return "file", None
    if origin is dict and inner[1] is RemoteFile:
        return "files", None
    if origin is list and inner[0] in (int, float, str, bool):
        return "list", _SCALARS[inner[0]]
    return "json", None


@attrs.frozen(eq=False)
class TableSource:
    """What is read into a table: a query that asks for no more than its columns, bound to its session.

    Fields that were `named` are loaded where a row doesn't carry them; others are null then. `given` is the query as it
    was given. JSON is a string in Arrow, with `plain_json` without a mark that it is JSON.
    """

    selection: Selection[Any]
    columns: tuple[Column, ...]
    given: Selection[Any]
    named: bool
    urls: bool
    plain_json: bool

    @classmethod
    def of(
        cls,
        tabular: Selection[Any] | Values[Any],
        columns: Iterable[str] | None = None,
        *,
        urls: bool = True,
        plain_json: bool = False,
    ) -> Self:
        """Choose the columns of a query, or of values; a name that is no readable field raises `QueryError`."""
        given, names = selected_by(tabular) if isinstance(tabular, Values) else (tabular, ())
        names = names if columns is None else tuple(arguments.texts("columns", columns))
        if columns is not None and not names:
            raise QueryError("columns names no field; nothing was sent")
        schema, query, session = schema_of(given.entity), given.query, given.session
        named, table = bool(names or query.only), table_of(given.entity, session, api=query.api)
        # What lists leave out would be null in every row: it is loaded where that takes no request for each row.
        carried = {name for name in schema.fields if name in table.listed or table.lists_alone(name)}
        chosen = names or query.only or [name for name in schema.fields if name in carried - {*query.defer}]
        made = tuple(_columns(schema, dict.fromkeys(chosen), checked=named))
        asked = given
        if EXTRA in names:
            # What is narrowed comes without the keys that nobody knows.
            asked = evolved(given, only=(), defer=())
        elif columns is not None:
            asked = narrowed_to(given, names)
        asked = evolved(asked, expand=(), prefetch=(), mode=FetchMode.PEERS).using(session)
        named = named or not carried <= {*table.listed}
        return cls(asked, made, given, named, urls, plain_json)

    @property
    def table(self) -> Table:
        """The entity in the API that the query goes by."""
        selection = self.selection
        return table_of(selection.entity, selection.session, api=selection.query.api)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the table is of: without secrets, and the same each time."""
        selection = self.selection
        return {
            "synapse.entity": self.table.schema.entity,
            "synapse.wire": self.table.api,
            "synapse.host": selection.session.host,
            "synapse.query": spelled(selection.query),
        }


def _columns(schema: Any, names: Iterable[str], *, checked: bool) -> Iterator[Column]:
    for name in names:
        if name == EXTRA and EXTRA not in schema.fields:
            yield Column(EXTRA, EXTRA)
            continue
        path = FieldPath.of(schema, name)
        if not path.field.secret and not path.field.write_only:
            yield Column.of(name, path, pk=schema.pk)
        elif checked:
            raise _hidden(schema, name, path)


def _hidden(schema: Any, name: str, path: FieldPath) -> QueryError:
    why = "secret" if path.field.secret else "never returned by the backend"
    known = [each.name for each in schema.fields.values() if not each.secret and not each.write_only]
    return QueryError(
        f"{schema.entity}.{quoted(name)} is {why}, and no column of a table{did_you_mean(name, known)}. "
        f"Columns: {', '.join(known)}. Nothing was sent"
    )
