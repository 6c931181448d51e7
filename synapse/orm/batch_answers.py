"""Which row of an answer belongs to which of the rows that were sent in one request."""

from __future__ import annotations

import json

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from synapse.errors import WriteUnconfirmedError
from synapse.mapping.json import same_json
from synapse.orm import matching
from synapse.orm.answers import Keys, Values, contradicted, shown_by, unlike
from synapse.orm.record import schema_of, table_of

if TYPE_CHECKING:
    from synapse.orm.record import Record
    from synapse.session import Session

# Rows times values that were sent: so many are compared to put an answer in order, half a second's work.
_MOST_COMPARED: Final = 100_000


def rows_by_sent(
    cls: type[Record],
    rows: Sequence[Any],
    *,
    sent: Sequence[Values],
    session: Session,
    keys: Keys | None = None,
) -> list[Any]:
    """Give for each set of values that was sent, by field, its row among those of the answer, or the error that it has.

    Rows go by their place, unless one contradicts what was sent there and fits another: then the content tells. Each
    row has a key of its own, which is none of those of the run before.
    """
    answer = _Answer(cls, sent, rows, session, keys or Keys())
    return [
        rows[found] if found is not None else answer.error(place)
        for place, found in enumerate(answer.placed())
    ]


class _Answer:
    """The rows that answer a list of creations; places and rows go by number."""

    def __init__(
        self,
        cls: type[Record],
        sent: Sequence[Values],
        rows: Sequence[Any],
        session: Session,
        keys: Keys,
    ) -> None:
        table = table_of(cls, session)
        self.cls, self.sent, self.known, self.reuses = cls, sent, keys, table.traits.reuses
        read = list(map(table.normalise, rows))
        self.keys = [table.key(row) for row in read]
        names = {name for values in sent for name in values}
        self.shown = [shown_by(cls, row, names=names, session=session) for row in read]
        self.claimed: set[int] = set()
        self.links: list[str] = []

    def placed(self) -> list[int | None]:
        """Give each place the number of its row, None where nothing tells which it is."""
        found: list[int | None] = list(range(len(self.sent)))
        odd = [place for place, values in enumerate(self.sent) if not self._is_shown(place, values)]
        odd = [place for place in odd if self.wrong(place, self.sent[place])]
        # By content only where the order contradicts: rows may show too little to tell equal-looking ones apart.
        if odd:
            found = self._by_content(odd)
        if not self.reuses:
            found = self._distinct(found)
        self.claimed = {row for row in found if row is not None}
        return found

    def _is_shown(self, row: int, values: Values) -> bool:
        """Whether a row holds just what was sent, as most do: then no rule has to be asked."""
        try:
            return bool(self.shown[row] == values)
        except RecursionError:
            return False

    def wrong(self, row: int, values: Values) -> list[str]:
        """Name the fields of a row that contradict what was sent."""
        shown = {name: value for name, value in self.shown[row].items() if name in values}
        return contradicted(self.cls, values, shown=shown)

    def error(self, place: int) -> WriteUnconfirmedError:
        """Say why a place has no row."""
        values, shown = self.sent[place], self.shown[place]
        if wrong := self.wrong(place, values):
            error = unlike(
                self.cls, {name: (values[name], shown[name]) for name in wrong}, key=self.keys[place]
            )
        else:
            error = WriteUnconfirmedError(
                f"a {self.cls.__name__} was to be created, and the answer does not tell which row it is: its rows come "
                "in another order, or share a key. It may or may not have happened"
            )
        left = [key for row, key in enumerate(self.keys) if row not in self.claimed and key is not None]
        error.answered = tuple(dict.fromkeys(left))
        return error

    def _by_content(self, odd: list[int]) -> list[int | None]:
        """Pair rows by content where their order is wrong; one that fits nothing that was sent only has no place."""
        groups: dict[str, list[int]] = {}
        for place, values in enumerate(self.sent):
            groups.setdefault(json.dumps(values, sort_keys=True, default=str), []).append(place)
        by_links = self._by_links(groups.values())
        homes = [self._home(shown, by_links.get(self._links(shown), [])) for shown in self.shown]
        by_place = [None if self._barred(place) else place for place in range(len(self.sent))]
        if all(homes[row] is None for row in odd):
            return by_place
        found = _assigned(homes)
        if self.reuses and None in found:
            return by_place  # a row that was there before may hold the values of others
        return found

    def _barred(self, place: int) -> bool:
        return bool(self.wrong(place, self.cls._decisive(self.sent[place])))

    def _links(self, values: Values) -> tuple[Any, ...]:
        """Give the links of a row that the whole answer shows: rows of others need not be compared."""
        return tuple(values.get(via) for via in self.links)

    def _by_links(self, groups: Iterable[list[int]]) -> dict[tuple[Any, ...], list[list[int]]]:
        vias = schema_of(self.cls).relations.values()
        self.links = [via for via in vias if all(via in values for values in (*self.sent, *self.shown))]
        found: dict[tuple[Any, ...], list[list[int]]] = {}
        for places in groups:
            found.setdefault(self._links(self.sent[places[0]]), []).append(places)
        return found

    def _home(self, shown: Values, groups: list[list[int]]) -> tuple[int, ...] | None:
        """Give the places of equal values that a row is surely of."""
        if len(groups) * len(self.sent) > _MOST_COMPARED:
            return None
        schema = schema_of(self.cls)
        verdicts = (
            (tuple(each), matching.likeness(schema, self.sent[each[0]], held=shown)) for each in groups
        )
        return matching.only_one(verdicts)

    def _distinct(self, found: list[int | None]) -> list[int | None]:
        """Leave a row, and a key, to one place, and to none where nothing tells which."""
        by_key: dict[Any, list[int]] = {}
        for place, row in enumerate(found):
            if row is not None and self.keys[row] is not None:
                by_key.setdefault(self.keys[row], []).append(place)
        for key, places in by_key.items():
            # One row cannot answer two creations: a backend that finds equal ones gives the same key for both.
            keeper = self._keeper(places, found) if self.known.claim(key) else None
            for place in places:
                if place != keeper:
                    found[place] = None
        return found

    def _keeper(self, places: list[int], found: Sequence[int | None]) -> int | None:
        if len(places) == 1:
            return places[0]
        schema = schema_of(self.cls)
        proven = [
            place
            for place in places
            if (row := found[place]) is not None
            and matching.likeness(schema, self.sent[place], held=self.shown[row]) is not None
        ]
        equal = all(same_json(self.sent[place], self.sent[proven[0]]) for place in proven)
        return proven[0] if proven and equal else None


def _assigned(homes: Sequence[tuple[int, ...] | None]) -> list[int | None]:
    """Give each place its row: its own where that is one of them, else the next that is left."""
    found: list[int | None] = [None] * len(homes)
    rows: dict[tuple[int, ...], list[int]] = {}
    for row, home in enumerate(homes):
        if home is not None:
            rows.setdefault(home, []).append(row)
    for home, own in rows.items():
        left = [row for row in own if row not in home]
        for place in home:
            if place in own:
                found[place] = place
            elif left:
                found[place] = left.pop(0)
    return found
