"""A page of rows that came as columns, made to objects column by column."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import compress, repeat
from typing import Any, Final, cast

import attrs

from synapse.mapping.codecs import Codec, Misfit, open_value
from synapse.mapping.json import JsonText, read, seal
from synapse.mapping.state import State
from synapse.mapping.unset import UNSET

Put = Callable[[Any, Any], None]

_NONE: Final = type(None)
_ABSENT: Final = {type(UNSET)}
_TEXTS: Final = {str, JsonText, _NONE, *_ABSENT}
_PUT_EXTRA: Final[Put] = cast("Any", State)._extra.__set__
_FIRST: Final[dict[type, set[int]]] = {dict: {ord("{")}, list: {ord("[")}}


class OddPageError(ValueError):
    """A page has a value of another class than is expected, or rows that don't carry the same fields."""


def _each(write: Callable[..., object], *values: Iterable[Any]) -> None:
    # A loop in C: the columns of a page are written in half the time that its rows would take.
    deque(map(write, *values), maxlen=0)


@attrs.frozen(eq=False, repr=False)
class Columns:
    """Writes the columns of one page into new objects; whatever looks odd is an `OddPageError`."""

    columns: Mapping[str, Sequence[Any]]
    made: list[Any]
    states: list[State]
    origins: list[dict[str, Any]] = attrs.field(
        init=False,
        default=attrs.Factory(lambda self: [state.origin for state in self.states], takes_self=True),
    )

    def _column(self, wire: str, *kinds: type) -> Sequence[Any] | None:
        """Give a column whose values are all of these classes, or None where no row carries it."""
        column = self.columns.get(wire)
        if column is None:
            return None
        found = set(map(type, column))
        if not found <= {*kinds, _NONE}:
            if found == _ABSENT:
                return None
            raise OddPageError
        return column

    def write(self, wire: str, put: Put, *, kind: type) -> None:
        """Write values as they are."""
        if (column := self._column(wire, kind)) is not None:
            _each(put, self.made, column)

    def write_converted(
        self, wire: str, put: Put, *, quick: Callable[[Any], Any], thorough: Callable[[Any], Any]
    ) -> None:
        """Write values as Python's: quickly, or where that gives nothing thoroughly."""
        if (column := self._column(wire, str, int, float)) is not None:

            def convert(value: Any) -> Any:
                return None if value is None else quick(value) or thorough(value)

            # Rows say the same again and again; numbers may be equal and not the same, such as 1 and 1.0.
            is_text = set(map(type, column)) <= {str, _NONE}
            known = {value: convert(value) for value in set(column)} if is_text else {}
            _each(put, self.made, map(known.__getitem__ if is_text else convert, column))

    def keep(self, wire: str, put: Put, *, kind: type, name: str) -> None:
        """Keep the values of a lazy field as they came, parsed or as texts."""
        column = self.columns.get(wire, ())
        found = set(map(type, column))
        if not column or found == _ABSENT:
            return
        if found <= {JsonText, _NONE}:
            first = _FIRST.get(kind)
            if first and not {text[0] for text in column if text is not None} <= first:
                raise OddPageError
        elif found >= _ABSENT or (kind is not object and not found <= {kind, _NONE}):
            raise OddPageError
        _each(dict.__setitem__, self.origins, repeat(name), column)
        for one, value in zip(self.made, column, strict=True) if _NONE in found else ():
            if value is None:
                put(one, None)

    def keep_extra(self, known: Iterable[str]) -> None:
        """Keep what came beside the fields; rows that have the same of it share it, since nobody edits it."""
        names = [name for name in self.columns if name not in known]
        if not names:
            return

        def held(row: tuple[Any, ...]) -> dict[str, Any] | None:
            return {name: value for name, value in zip(names, row, strict=True) if value is not UNSET} or None

        rows = list(zip(*(self.columns[name] for name in names), strict=True))
        # Other values may be equal and not the same, such as 1 and True, or have no hash.
        if all(set(map(type, self.columns[name])) <= _TEXTS for name in names):
            shared = {row: held(row) for row in set(rows)}
            _each(_PUT_EXTRA, self.states, map(shared.__getitem__, rows))
        else:
            _each(_PUT_EXTRA, self.states, map(held, rows))


def open_column(made: Sequence[Any], states: Sequence[State], *, name: str, codec: Codec, put: Put) -> None:
    """Open a lazy field of new objects, so that to read it is to read a slot.

    Where a value does not fit, all stay closed, and whoever reads that one is told.
    """
    rows, origins = made, [state.origin for state in states]
    raws: Sequence[Any] = [origin.get(name) for origin in origins]
    if None in raws:
        there = [raw is not None for raw in raws]
        rows, origins, raws = (list(compress(each, there)) for each in (rows, origins, raws))
    if not raws or codec.completed:
        return
    values = raws
    with suppress(Misfit):
        if set(map(type, raws)) == {JsonText}:
            values = read(JsonText(b"[%b]" % b",".join(raws)))
        elif codec.plain or not codec.exact:
            _each(dict.__setitem__, origins, repeat(name), list(map(seal, raws)))
        if not codec.plain:
            session = states[0].session
            values = [open_value(codec, value, session=session) for value in values]
        _each(put, rows, values)
