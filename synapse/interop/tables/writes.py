"""Writes from tables: rows created, changed where they differ, and annotated."""

from __future__ import annotations

import logging

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from os import PathLike
from typing import Any, Final, Protocol, Self

import attrs

from synapse.errors import MappingError, NotFoundError, QueryError, describe
from synapse.interop.tables.frames import with_nulls_of
from synapse.interop.tables.incoming import (
    Given,
    Incoming,
    Nulls,
    Refused,
    bad_cell,
    reader_of,
)
from synapse.mapping.json import same_json
from synapse.mapping.unset import UNSET
from synapse.orm import arguments, bulk
from synapse.orm.bulk import BulkResult, Change
from synapse.orm.changes import dumped, linked
from synapse.orm.journal import path_of
from synapse.orm.record import Record, schema_of, state_of, table_of
from synapse.orm.results import check_on_bad_row
from synapse.orm.selection import evolved, link_of
from synapse.query import FetchMode, In
from synapse.query.arguments import check_unsliced
from synapse.reading.rows import LEFT_OUT, OnBadRow
from synapse.transfer import ProgressLike, tracked

logger: Final = logging.getLogger("synapse")


def _nulls(what: str, given: object) -> None:
    if given not in ("omit", "clear"):
        raise QueryError(
            f"{what}(nulls=...) takes 'omit' or 'clear', got {describe(given)}; nothing was sent"
        )


def objects_of(queryset: Any, table: object, *, columns: Mapping[str, str] | None, nulls: Nulls) -> list[Any]:
    """Make objects of the rows of a table, for `bulk_create()`."""
    what, cls, link = "bulk_create()", queryset.entity, link_of(queryset)
    _nulls("bulk_create", nulls)
    incoming, schema = Incoming.of(what, cls, table=table, columns=columns), schema_of(cls)
    given = incoming.matched()
    there = {*(each.field.name for each in given), *link}
    if lacking := [
        field.name for field in schema.fields.values() if field.required and field.name not in there
    ]:
        raise QueryError(
            f"{what}: a {schema.entity} needs {', '.join(lacking)}, and no column is for "
            f"{'them' if len(lacking) > 1 else 'it'}. Columns: {', '.join(incoming.frame.names)}. "
            "columns={column: field} says which one is. Nothing was sent"
        )
    made = []
    by_field = {each.field.name: each.column for each in given}
    for place, values in enumerate(incoming.rows(given, nulls=nulls)):
        for field in schema.fields.values():
            if field.required and field.name not in values and field.name not in link:
                raise bad_cell(
                    f"a {schema.entity} needs a value here", place=place, column=by_field[field.name]
                )
        try:
            made.append(cls(**linked(cls, values, link=link)))
        except MappingError as error:
            raise MappingError(f"row {place + 1}: {error}") from None
    incoming.check_backend(queryset.session)
    return made


# --- update -----------------------------------------------------------------------
def update_from(
    queryset: Any,
    table: object,
    *,
    on: str = "id",
    fields: Iterable[str] | None = None,
    columns: Mapping[str, str] | None = None,
    nulls: Nulls = "omit",
    dry_run: bool = False,
    journal: str | PathLike[str] | None = None,
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> BulkResult:
    """Change the rows of a query to what a table says, where that differs."""
    cls = queryset.entity
    _nulls("update_from", nulls)
    arguments.flag("update_from(dry_run=...)", dry_run)
    check_on_bad_row("update_from", on_bad_row)
    wanted = None if fields is None else arguments.texts("update_from(fields=...)", fields)
    path = None if journal is None else path_of(journal)
    incoming = Incoming.of("update_from()", cls, table=table, columns=columns)
    named = _TableRows.of(incoming, on=on, wanted=wanted, nulls=nulls)
    check_unsliced(queryset.query, "update_from()")
    incoming.check_backend(queryset.session, by_key=named.on == schema_of(cls).pk)
    with tracked(progress, total=len(named.rows), label="update_from", unit="rows") as meter:
        read = _rows_behind(queryset, named, skip=on_bad_row == "skip")
        found = named.compared(read, advanced=meter)
        changes = tuple(change for change in found.values() if change is not None)
        # Columns that differ nowhere may be of fields that are only read.
        bulk.check_changes(queryset, changes)
        if dry_run:
            meter(len(changes))
        else:
            changes = bulk.change_rows(queryset, changes, path=path, meter=meter)
    bad = tuple(read.bad)
    return BulkResult("update", cls.__name__, len(found), changes, dry_run, bad, read.bad_count)


@attrs.frozen(eq=False)
class _TableRows:
    """The rows of a table by the field `on`, each as its values and its cells."""

    cls: type[Record]
    on: str
    names: list[str]
    has_structs: bool
    rows: Mapping[Any, tuple[Mapping[str, Any], Mapping[str, Any]]]

    @classmethod
    def of(cls, incoming: Incoming, *, on: str, wanted: list[str] | None, nulls: Nulls) -> Self:
        """Take a table, whose columns and cells are checked."""
        field = incoming.schema.field(arguments.text("update_from(on=...)", on))
        column = incoming.column_for(field.name)
        keys, given = incoming.keys(column, field), _given(incoming.without(column), wanted)
        names = [each.field.name for each in given]
        values = incoming.rows(given, nulls=nulls, may_be_there=True)
        cells = zip(*(each.values for each in given), strict=True)
        by_name = (dict(zip(names, some, strict=True)) for some in cells)
        rows = dict(zip(keys, zip(values, by_name, strict=True), strict=True))
        return cls(incoming.cls, field.name, names, incoming.frame.has_structs, rows)

    def compared(self, read: _Read, *, advanced: Callable[[int], object]) -> dict[Any, Change | None]:
        """Read rows, and give in the order of the table what differs in each that it names; other keys are refused."""
        found: dict[Any, Change | None] = {}
        met: dict[Any, Any] = {}
        for row in read:
            key = getattr(row, self.on)
            if key not in self.rows:
                continue
            if key in met:
                raise QueryError(
                    f"update_from(on={self.on!r}): {self.cls.__name__} {met[key]!r} and {row.pk!r} both have {key!r}; "
                    "nothing was changed"
                )
            met[key] = row.pk
            found[key] = _change(self.cls, row, *self.rows[key], has_structs=self.has_structs)
            if found[key] is None:
                advanced(1)
        left_out = {error.key for error in read.bad} if self.on == schema_of(self.cls).pk else set()
        self._check_found(found.keys() | left_out)
        if left_out:
            advanced(len(self.rows) - len(found))
        return {key: found[key] for key in self.rows if key in found}

    def _check_found(self, known: Set[Any]) -> None:
        missing = [key for key in self.rows if key not in known]
        if missing:
            shown = ", ".join(map(repr, missing[:5])) + (", …" if len(missing) > 5 else "")
            raise QueryError(
                f"update_from(): {len(missing)} of {len(self.rows)} rows of the table are not among those of this "
                f"{self.cls.__name__} query, by {self.on!r}: {shown}. Nothing was changed"
            )


def _given(rest: Incoming, wanted: list[str] | None) -> list[Given]:
    """Choose the columns to write, of those beside the key."""
    if wanted is None and rest.frame.entity == rest.schema.entity:
        # A table of these rows has all of their columns: what cannot be written was not meant.
        wanted = rest.writable()
    given = rest.matched(wanted)
    if not given:
        raise QueryError(f"{rest.what}: the table has no column to write beside the key; nothing was sent")
    return given


class _Read(Protocol):
    """Rows of the backend as they come, and the errors of those that were left out."""

    bad: list[MappingError]
    bad_count: int

    def __iter__(self) -> Iterator[Any]: ...


def _rows_behind(queryset: Any, named: _TableRows, *, skip: bool) -> _Read:
    """Read the rows that a table names, or where the backend cannot be asked for those the whole query."""
    cls, query = queryset.entity, queryset.query
    asked = evolved(queryset.only(*named.names, named.on), expand=(), prefetch=(), mode=FetchMode.PEERS)
    pk, keys = schema_of(cls).pk, list(named.rows)
    if not keys:
        asked = asked.none()
    elif named.on == pk and table_of(cls, queryset.session, api=query.api).accepts(pk, In):
        asked = asked.filter(pk__in=keys)
    elif named.on == pk and query.bare:
        return _OneByOne(asked, keys, skip=skip)
    read: _Read = asked.iterator(on_bad_row="skip" if skip else "raise")
    return read


class _OneByOne:
    """Rows by their keys, a request for each, where the backend takes no lists of keys; what is gone is left out."""

    def __init__(self, queryset: Any, keys: list[Any], *, skip: bool) -> None:
        self._queryset, self._keys, self._skip = queryset, keys, skip
        self.bad: list[MappingError] = []
        self.bad_count = 0

    def __iter__(self) -> Iterator[Any]:
        for key, row, error in self._queryset.session.map(self._queryset.get, self._keys):
            if error is None:
                yield row
            elif self._skip and isinstance(error, MappingError):
                error.key = key
                self.bad.append(error)
                self.bad_count += 1
            elif not isinstance(error, NotFoundError):
                raise error
        if self.bad:
            logger.warning(LEFT_OUT, self.bad_count, self.bad[0])


def _change(
    cls: Any, row: Any, values: Mapping[str, Any], cells: Mapping[str, Any], *, has_structs: bool
) -> Change | None:
    """Give what differs in one row."""
    before, after = {}, {}
    for name, value in values.items():
        text = state_of(row).text_of(name)
        # The text that came from the backend, and is still there, needs not be parsed again.
        if text is not None and isinstance(cells[name], str) and text == cells[name].encode():
            continue
        if isinstance(value, Refused):
            if not same_json(value.value, state_of(row).loaded(name)):
                raise value.error
            continue
        held = getattr(row, name)
        if has_structs and isinstance(cells[name], dict | list):
            value = with_nulls_of(held, value)
        same = held == value if not schema_of(cls).fields[name].codec.lazy else False
        if not same and not same_json(*(dumped(cls, {name: each})[name] for each in (held, value))):
            before[name], after[name] = held, value
    return Change(row.pk, before, after) if after else None


# --- annotations ------------------------------------------------------------------
def annotation_pairs(manager: Any, table: object, *, data: str, on: str) -> list[tuple[Any, Any]]:
    """Give the key of each row and its annotation, for `annotate_many()`; a row without one is left out."""
    what, cls = "annotate_many()", manager.entity
    incoming, schema = Incoming.of(what, cls, table=table), schema_of(cls)
    key = schema.field(arguments.text("annotate_many(on=...)", on))
    if key.name != schema.pk:
        raise QueryError(f"annotate_many(on=...) takes the column of the key, got {on!r}; nothing was sent")
    keys = incoming.keys(incoming.column(on), key)
    cells = incoming.frame.columns[incoming.column(arguments.text("annotate_many(data=...)", data))]
    read = reader_of(schema.field("data"), is_text=True)
    pairs = []
    for place, (one, cell) in enumerate(zip(keys, cells, strict=True)):
        if cell is None or cell is UNSET:
            continue
        try:
            pairs.append((one, read(cell)))
        except ValueError as error:
            raise bad_cell(error, place=place, column=data) from None
    incoming.check_backend(manager.session, by_key=True)
    return pairs
