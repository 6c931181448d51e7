"""Tables that are to be written: which field each column is for, and its cells, checked."""

from __future__ import annotations

import json

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Final, Literal, Self, TypeAlias

import attrs

from synapse.errors import MappingError, QueryError, describe, did_you_mean, quoted
from synapse.interop.tables.columns import kind_of
from synapse.interop.tables.frames import Frame, Unreadable, frame_of
from synapse.mapping.schema import Field, Schema
from synapse.mapping.unset import UNSET
from synapse.orm.binding import check_home, check_host
from synapse.orm.changes import accepted
from synapse.orm.record import Record, is_record, schema_of
from synapse.session import Backend, Session

Nulls: TypeAlias = Literal["omit", "clear"]
_SHOWN: Final = 60
_EXACT: Final = 2**53
"""From here on, several integers become the same float."""


@attrs.frozen(eq=False)
class Given:
    """One column of a frame and the field that it is for, by the name `target`."""

    column: str
    target: str
    field: Field
    values: list[Any]


@attrs.frozen(eq=False)
class Incoming:
    """A table that is to be written as rows of an entity; `renamed` maps columns to fields of other names."""

    what: str
    cls: type[Record]
    frame: Frame
    renamed: Mapping[str, str]

    @classmethod
    def of(cls, what: str, entity: type[Record], *, table: object, columns: object = None) -> Self:
        """Take a table, and what its columns are to be called."""
        frame = frame_of(what, table)
        if columns is not None and not isinstance(columns, Mapping):
            raise QueryError(
                f"{what}(columns=...) takes {{column: field}}, got {describe(columns)}; nothing was sent"
            )
        renamed = dict(columns or {})
        known = {*schema_of(entity).spellings(), *renamed}
        levels = {name: values for name, values in frame.index.items() if name in known}
        made = cls(what, entity, attrs.evolve(frame, columns={**frame.columns, **levels}), renamed)
        for name, target in made.renamed.items():
            made.column(name)
            if not isinstance(target, str):
                raise QueryError(
                    f"{what}(columns=...): a field is text, not {describe(target)}; nothing was sent"
                )
        return made

    @property
    def schema(self) -> Schema:
        """The fields of the entity."""
        return schema_of(self.cls)

    @property
    def targets(self) -> dict[str, str]:
        """The name of the field that each column is for."""
        return {name: self.renamed.get(name, name) for name in self.frame.columns}

    def without(self, column: str) -> Self:
        """Leave a column out."""
        rest = {name: values for name, values in self.frame.columns.items() if name != column}
        renamed = {name: target for name, target in self.renamed.items() if name != column}
        return attrs.evolve(self, frame=attrs.evolve(self.frame, columns=rest), renamed=renamed)

    def check_backend(self, session: Session, *, by_key: bool = False) -> None:
        """Refuse objects of another backend, and *by_key* a table that a query of another one made."""
        if by_key and self.frame.host:
            check_home(session, Backend(self.frame.host), what=f"{self.what}: the table has rows of")
        cells = chain.from_iterable(self.frame.columns.values())
        check_host(session, filter(is_record, cells), what=self.what)

    # --- columns ------------------------------------------------------------
    def column(self, name: str) -> str:
        """Give the name of a column that has to be there."""
        if name not in self.frame.columns:
            raise self._lacking(name)
        return name

    def column_for(self, name: str) -> str:
        """Find the column of a field."""
        wanted, spellings = self.schema.field(name).name, self.schema.spellings()
        for column, target in self.targets.items():
            if target in spellings and self.schema.field(target).name == wanted:
                return column
        raise self._lacking(name)

    def _lacking(self, name: object) -> QueryError:
        known = self.frame.names
        return QueryError(
            f"{self.what}: the table has no column {quoted(str(name))}{did_you_mean(str(name), known)}. "
            f"Columns: {', '.join(known)[:500]}. Nothing was sent"
        )

    def writable(self) -> list[str]:
        """Name the fields, of those that columns are for, that a table can set; what is no field is refused later."""
        fields = {name: self.schema.field(name) for name in self.schema.spellings()}
        return [
            target
            for target in self.targets.values()
            if target not in fields
            or not (fields[target].read_only or kind_of(fields[target].annotation)[0] in ("file", "files"))
        ]

    def matched(self, only: Iterable[str] | None = None) -> list[Given]:
        """Find the field of each column, or of those for the fields *only*; what can't be written is refused."""
        targets = self.targets if only is None else {self.column_for(name): name for name in only}
        found: dict[str, Given] = {}
        for column, target in targets.items():
            field = self._writable(column, target)
            if field.name in found:
                raise QueryError(
                    f"{self.what}: the columns {quoted(found[field.name].column)} and {quoted(column)} are both for "
                    f"{self.schema.entity}.{field.name}; nothing was sent"
                )
            found[field.name] = Given(column, target, field, self.frame.columns[column])
        return list(found.values())

    def _writable(self, column: str, target: str) -> Field:
        schema, what = self.schema, self.what
        writable = [name for name in schema.names if not schema.field(name).read_only]
        told = f"Fields that can be written: {', '.join(writable)}. Nothing was sent"
        chosen = ", or choose those to write by fields=[...]" if what == "update_from()" else ""
        try:
            field = schema.field(target)
        except QueryError:
            raise QueryError(
                f"{what}: {schema.entity} has no field {quoted(target)} for the column of that name"
                f"{did_you_mean(target, writable)}; columns={{{column!r}: ...}} says which one it is for{chosen}. "
                f"{told}"
            ) from None
        if field.read_only:
            raise QueryError(
                f"{what}: the column {quoted(column)} is for {schema.entity}.{field.name}, which the backend sets"
                f"{did_you_mean(field.name, writable)}; leave it out{chosen}. {told}"
            )
        return field

    # --- cells --------------------------------------------------------------
    def keys(self, column: str, field: Field) -> list[Any]:
        """Give the keys in a column; one that is missing, or is there twice, is a `MappingError`."""
        # Objects and lists are not hashable, and files have no order to compare them by.
        if kind_of(field.annotation)[0] in ("json", "list", "file", "files"):
            raise QueryError(
                f"{self.what}: {self.schema.entity}.{field.name} tells no rows apart; take a field of numbers or text. "
                "Nothing was sent"
            )
        read = reader_of(field, is_text=self.frame.is_text)
        first: dict[Any, int] = {}
        for place, cell in enumerate(self.frame.columns[column]):
            if cell is None or cell is UNSET:
                raise bad_cell("the key is missing", place=place, column=column)
            try:
                key = field.accept(self.schema.entity, read(cell))
                if field.name == self.schema.pk:
                    key = self.schema.key.check(f"{self.schema.entity}.{field.name}", key)
            except (MappingError, QueryError, ValueError, OverflowError) as error:
                raise bad_cell(error, place=place, column=column) from None
            if key in first:
                said = f"the key {key!r} is in row {first[key] + 1} as well"
                raise bad_cell(said, place=place, column=column)
            first[key] = place
        return list(first)

    def rows(
        self, given: Sequence[Given], *, nulls: Nulls, may_be_there: bool = False
    ) -> Iterator[dict[str, Any]]:
        """Give the values of each row by field, checked; a bad cell is a `MappingError` that names row and column.

        JSON that cannot be sent is `Refused` where it *may be there* already.
        """
        read = [reader_of(each.field, is_text=self.frame.is_text) for each in given]
        for place in range(self.frame.count):
            values: dict[str, Any] = {}
            for each, convert in zip(given, read, strict=True):
                cell, value = each.values[place], None
                if cell is UNSET or (cell is None and nulls == "omit"):
                    continue
                try:
                    value = None if cell is None else convert(cell)
                    values |= accepted(self.cls, {each.target: value})
                except (MappingError, ValueError, TypeError, OverflowError) as error:
                    if not (may_be_there and _is_json(value, each.field)):
                        raise bad_cell(error, place=place, column=each.column) from None
                    values[each.field.name] = Refused(value, str(error), place, each.column)
            yield values


@attrs.frozen
class Refused:
    """JSON that a backend may give and is not sent, such as a NaN."""

    value: Any
    why: str
    place: int
    column: str

    @property
    def error(self) -> MappingError:
        """The error of the cell, once it is known that the backend has another value."""
        return bad_cell(self.why, place=self.place, column=self.column, left="nothing was changed")


def _is_json(value: Any, field: Field) -> bool:
    """Whether a value is JSON as a field has it, whatever it holds."""
    kinds = (dict, list) if field.codec.kind is None else field.codec.kind
    return field.codec.lazy and isinstance(value, kinds)


def bad_cell(
    error: Exception | str, *, place: int, column: str, left: str = "nothing was sent"
) -> MappingError:
    """Make the error of a cell; rows are counted from 1."""
    made = MappingError(f"row {place + 1}, column {quoted(column)}: {error}; {left}")
    made.row = place + 1
    return made


def reader_of(field: Field, *, is_text: bool) -> Any:
    """Choose how a cell becomes what its field takes."""
    kind, _ = kind_of(field.annotation)
    if kind == "int":
        return _integer
    if kind == "moment":
        return lambda value: value.to_pydatetime() if hasattr(value, "to_pydatetime") else value
    if kind in ("json", "list", "files"):
        # A field that may hold any JSON takes text itself from rows of dicts.
        parses = is_text or field.codec.kind is not None
        return lambda value: _json(value) if isinstance(value, str | bytes) and parses else _nested(value)
    return _scalar


def _integer(value: Any) -> Any:
    if isinstance(value, float) and abs(value) >= _EXACT:
        raise ValueError(f"a float holds no integer as large as {value!r} exactly; give integers")
    is_whole = isinstance(value, float) or type(value).__name__ == "Decimal"
    return int(value) if is_whole and value == int(value) else _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, Unreadable):
        raise ValueError(f"a {value.kind} can be no value here")
    return value


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        shown = text if isinstance(text, str) else repr(text)
        raise ValueError(f"expected JSON, got {shown[:_SHOWN]!r}") from None


def _nested(value: Any) -> Any:
    value = _scalar(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    return value
