"""Rows that are JSON objects: how a generation's table looks into them, and how msgspec leaves their fields unparsed.

It decodes a page straight into structs, one type for each entity. What does not fit the struct goes the ordinary way,
as parsed JSON, which says what is wrong with which row.
"""

from __future__ import annotations

import importlib

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter, itemgetter
from types import GenericAlias
from typing import Any, ClassVar, Final

from synapse.mapping.codecs import Codec, Misfit
from synapse.mapping.json import JsonText, read
from synapse.mapping.schema import Schema
from synapse.mapping.structuring import as_number, load_moment
from synapse.mapping.unset import UNSET

MOST_SHAPES: Final = 32
"""So often the struct of an entity is made anew for keys that it lacks: a backend may name others in every page."""
LONGEST_NAME: Final = 100
FEW_ROWS: Final = 8
"""So many rows are sooner read one by one than laid out as columns."""

# The standard library refuses integers of more than 4,300 digits; in a text that is not parsed they would pass. Every
# run of that length holds eight samples of this stride.
_STRIDE: Final = 512
_DIGITS: Final = bytes.maketrans(b"123456789", b"0" * 9)


class ClosedRow:
    """One row; `attributes` maps its keys to attributes, `texts` are the keys whose values are unparsed."""

    __slots__ = ()
    attributes: ClassVar[Mapping[str, str]] = {}
    texts: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        return "<row>"  # fields may be secret

    def value(self, name: str) -> Any:
        """Parse one value; `UNSET` where the row doesn't carry it."""
        attribute = self.attributes.get(name)
        found = UNSET if attribute is None else getattr(self, attribute)
        return found if found is UNSET or name not in self.texts else read(JsonText(found))

    def parsed(self) -> dict[str, Any]:
        """Give the row as the JSON object that it was."""
        try:
            values = {name: self.value(name) for name in self.attributes}
        except Misfit as misfit:
            return {"": str(misfit)}
        return {name: value for name, value in values.items() if value is not UNSET}


def keys(rows: Sequence[Any], name: str) -> list[Any]:
    """Read the keys off rows as they came; None for a row that has none."""
    try:
        kind: Any = type(rows[0]) if rows else dict
        # Rows of structs come by one decoder, so that all of a page are of one class.
        read = attrgetter(kind.attributes[name]) if issubclass(kind, ClosedRow) else itemgetter(name)
        found = list(map(read, rows))
    except (KeyError, TypeError, AttributeError):
        found = [value(row, name, otherwise=None) for row in rows]
    # Nearly every page has keys of one kind, and a loop over its rows would cost more than all else that is done here.
    if set(map(type, found)) <= {int, str}:
        return found
    return [key if isinstance(key, int | str) and not isinstance(key, bool) else None for key in found]


def value(row: Any, name: str, *, otherwise: Any = UNSET) -> Any:
    """Read one value of a row as it came; `UNSET` where there is none, or no row."""
    if isinstance(row, ClosedRow):
        found = row.value(name)
        return otherwise if found is UNSET else found
    return row.get(name, otherwise) if isinstance(row, dict) else otherwise


def columns(rows: Sequence[Any], *, copied: bool = True) -> dict[str, Sequence[Any]] | None:
    """Turn rows with the same keys into the values of each key; None for other rows.

    Texts that are not *copied* are parts of their page, and keep it; rows that were parsed have none.
    """
    kinds = set(map(type, rows))
    kind = kinds.pop() if len(kinds) == 1 else object
    if kind is dict:
        return _columns_of_dicts(rows) if copied else None
    if not issubclass(kind, ClosedRow):
        return None
    values = zip(*map(_msgspec().structs.astuple, rows), strict=True)
    named = zip(kind.attributes, values, strict=True)
    texts = _texts if copied else _parts
    return {name: texts(column) if name in kind.texts else column for name, column in named}


def _parts(column: Iterable[Any]) -> list[Any]:
    null = _msgspec().Raw(b"null")
    return [None if raw == null else raw for raw in column]


def _columns_of_dicts(rows: Sequence[dict[str, Any]]) -> dict[str, Sequence[Any]] | None:
    names = list(rows[0])
    if len(rows) < FEW_ROWS or len(names) < 2 or set(map(len, rows)) != {len(names)}:
        return None
    try:
        values = zip(*map(itemgetter(*names), rows), strict=True)
    except KeyError:
        return None
    return dict(zip(names, values, strict=True))


def _texts(column: Iterable[Any]) -> list[Any]:
    """Copy texts out of their page, which the rows that are kept would keep as a whole."""
    texts = [UNSET if raw is UNSET else JsonText(raw) for raw in column]
    return [None if text == b"null" else text for text in texts] if b"null" in texts else texts


class ClosedPages:
    """Decodes the pages of one entity."""

    def __init__(self, schema: Schema, names: Mapping[str, str]) -> None:
        self._codecs = {wire: schema.fields[name].codec for name, wire in names.items()}
        self._pk = names[schema.pk]
        # Rows that are nested under these are taken apart by whoever loads them.
        self._never = frozenset(schema.to_many)
        self._learnt: tuple[str, ...] = ()
        self._shapes = 0
        self._made: tuple[tuple[str, ...], Callable[[bytes], Any] | None] = ((), None)

    @property
    def is_possible(self) -> bool:
        """Whether every field is of a type that structs can hold."""
        return self._codecs[self._pk].kind in (int, str) and all(map(_can_hold, self._codecs.values()))

    def decode(self, content: bytes, *, parse: Callable[[bytes], Any]) -> Any:
        """Decode a page, or *parse* what does not fit."""
        page = self._closed(content)
        if page is None:
            data = parse(content)
            page = self._closed(content) if self._learn(data) else None
            if page is None:
                return data
        return {"count": page.count, "next": page.next, "results": page.results}

    def _closed(self, content: bytes) -> Any:
        try:
            page = self._newest()(content)
            if not content.isascii():
                content.decode()  # bytes that are no text would pass inside of what is not parsed
        except (ValueError, RecursionError):
            return None
        return None if b"0" * 8 in content[::_STRIDE].translate(_DIGITS) else page

    def _learn(self, data: Any) -> bool:
        """Make the struct anew with the keys that rows have and it lacks; tell whether there were some."""
        rows = data.get("results") if isinstance(data, dict) else None
        if not isinstance(rows, list) or self._shapes >= MOST_SHAPES:
            return False
        names = dict.fromkeys(name for row in rows if isinstance(row, dict) for name in row)
        new = [name for name in names if name not in self._codecs and name not in self._learnt]
        usual = all(name.isidentifier() and len(name) <= LONGEST_NAME for name in new)
        is_learnt = bool(new) and usual and len(new) <= MOST_SHAPES and self._never.isdisjoint(new)
        if is_learnt:
            self._shapes += 1
            self._learnt = (*self._learnt, *new)
        return is_learnt

    def _newest(self) -> Callable[[bytes], Any]:
        # Another thread may learn at any time.
        learnt, (known, decode) = self._learnt, self._made
        if decode is None or known is not learnt:
            decode = self._decoder(learnt)
            self._made = (learnt, decode)
        return decode

    def _decoder(self, learnt: tuple[str, ...]) -> Callable[[bytes], Any]:
        msgspec = _msgspec()
        types = {name: _type(codec, msgspec.Raw) for name, codec in self._codecs.items()}
        types |= dict.fromkeys(learnt, msgspec.Raw)
        attributes = {name: f"f{number}" for number, name in enumerate(types)}
        row = msgspec.defstruct(
            "Row",
            [
                # A row without a key is refused as a whole.
                (attributes[name], self._codecs[name].kind)
                if name == self._pk
                else (attributes[name], kind, UNSET)
                for name, kind in types.items()
            ],
            bases=(ClosedRow, msgspec.Struct),
            namespace={
                "attributes": attributes,
                "texts": frozenset(name for name, kind in types.items() if kind is msgspec.Raw),
                "__repr__": ClosedRow.__repr__,
            },
            rename={attribute: name for name, attribute in attributes.items()},
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )
        fields = [("results", GenericAlias(list, (row,))), ("count", Any, None), ("next", Any, None)]
        decode: Callable[[bytes], Any] = msgspec.json.Decoder(msgspec.defstruct("Page", fields)).decode
        return decode


def _can_hold(codec: Codec) -> bool:
    return (
        codec.lazy
        or codec.kind is not None
        or codec.table is not None
        or codec.load in (load_moment, as_number)
    )


def _type(codec: Codec, raw: Any) -> Any:
    """Give the type of a field; what its codec checks beside the class of a value comes when objects are made."""
    if codec.lazy:
        return raw
    if codec.kind is not None:
        return codec.kind | None
    return int | float | None if codec.load is as_number else str | None


@cache
def _msgspec() -> Any:
    return importlib.import_module("msgspec")
