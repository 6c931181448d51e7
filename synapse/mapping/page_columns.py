"""A page of rows that came as columns, made to objects column by column."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

import attrs

from synapse.mapping.json import JsonText
from synapse.mapping.state import State
from synapse.mapping.unset import UNSET

Put = Callable[[Any, Any], None]

_NONE: Final = type(None)
_ABSENT: Final = {type(UNSET)}
_TEXTS: Final = {str, JsonText, _NONE, *_ABSENT}
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
            values = [None if value is None else quick(value) or thorough(value) for value in column]
            _each(put, self.made, values)

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
        shared: dict[tuple[Any, ...], dict[str, Any]] = {}
        # Other values may be equal and not the same, such as 1 and True, or have no hash.
        is_shared = all(set(map(type, self.columns[name])) <= _TEXTS for name in names)
        rows = zip(*(self.columns[name] for name in names), strict=True)
        for state, row in zip(self.states, rows, strict=True) if names else ():
            held = shared.get(row) if is_shared else None
            if held is None:
                held = {name: value for name, value in zip(names, row, strict=True) if value is not UNSET}
                if is_shared:
                    shared[row] = held
            state.extra = held or None
