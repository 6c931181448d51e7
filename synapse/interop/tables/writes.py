"""Writes from tables: rows created, changed where they differ, and annotated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike
from typing import Any

from synapse.errors import MappingError, QueryError, describe
from synapse.interop.tables.incoming import Given, Incoming, Nulls, Refused, bad_cell, reader_of
from synapse.mapping.json import same_json
from synapse.mapping.unset import UNSET
from synapse.orm import arguments, bulk
from synapse.orm.bulk import BulkResult, Change
from synapse.orm.changes import dumped, linked
from synapse.orm.journal import path_of
from synapse.orm.record import schema_of, state_of
from synapse.orm.selection import evolved, link_of
from synapse.query import FetchMode
from synapse.query.arguments import check_unsliced


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
) -> BulkResult:
    """Change the rows of a query to what a table says, where that differs."""
    what, cls = "update_from()", queryset.entity
    _nulls("update_from", nulls)
    arguments.flag("update_from(dry_run=...)", dry_run)
    wanted = None if fields is None else arguments.texts("update_from(fields=...)", fields)
    path = None if journal is None else path_of(journal)
    incoming = Incoming.of(what, cls, table=table, columns=columns)
    field = schema_of(cls).field(arguments.text("update_from(on=...)", on))
    column = incoming.column_for(field.name)
    keys, given = incoming.keys(column, field), _given(incoming.without(column), wanted)
    after = list(incoming.rows(given, nulls=nulls, may_be_there=True))
    check_unsliced(queryset.query, what)
    rows = _rows_behind(queryset, keys, on=on, names=[each.field.name for each in given])
    cells = zip(*(each.values for each in given), strict=True)
    named = (dict(zip((each.field.name for each in given), some, strict=True)) for some in cells)
    found = (
        _change(cls, rows[key], values, row) for key, values, row in zip(keys, after, named, strict=True)
    )
    changes = tuple(change for change in found if change is not None)
    if not dry_run:
        changes = bulk.change_rows(queryset, changes, path=path)
    return BulkResult("update", cls.__name__, len(keys), changes, dry_run=dry_run)


def _given(rest: Incoming, wanted: list[str] | None) -> list[Given]:
    """Choose the columns to write, of those beside the key."""
    if wanted is None and rest.frame.entity == rest.schema.entity:
        # A table of these rows has all of their columns: what cannot be written was not meant.
        wanted = rest.writable()
    given = rest.matched(wanted)
    if not given:
        raise QueryError(f"{rest.what}: the table has no column to write beside the key; nothing was sent")
    return given


def _rows_behind(queryset: Any, keys: list[Any], *, on: str, names: list[str]) -> dict[Any, Any]:
    """Read the rows that have these keys; that one is missing, or that two have the same, is a `QueryError`."""
    schema = schema_of(queryset.entity)
    key = schema.field(on).name
    asked = evolved(queryset.only(*names, key), expand=(), prefetch=(), mode=FetchMode.PEERS)
    rows: dict[Any, Any] = {}
    if key == schema.pk:
        rows = asked.in_bulk(keys) if keys else {}
    else:
        known = set(keys)
        for row in asked.iterator():
            value = getattr(row, key)
            if value in known and value in rows:
                raise QueryError(
                    f"update_from(on={on!r}): {rows[value]!r} and {row!r} both have {value!r}; nothing was changed"
                )
            rows[value] = row
    missing = [each for each in keys if each not in rows]
    if missing:
        shown = ", ".join(map(repr, missing[:5])) + (", …" if len(missing) > 5 else "")
        raise QueryError(
            f"update_from(): {len(missing)} of {len(keys)} rows of the table are not among those of this "
            f"{schema.entity} query, by {on!r}: {shown}. Nothing was changed"
        )
    return rows


def _change(cls: Any, row: Any, values: Mapping[str, Any], cells: Mapping[str, Any]) -> Change | None:
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
    return pairs
