"""Whether the answer to a write is of what was sent."""

from __future__ import annotations

import json
import threading

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from synapse.errors import WriteIgnoredError, WriteUnconfirmedError, describe, quoted
from synapse.mapping.json import same_json
from synapse.mapping.likeness import Likeness, is_empty, is_usual
from synapse.mapping.unset import UNSET
from synapse.orm import carrying
from synapse.orm.registry import entity_named, table_of

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session

Values: TypeAlias = Mapping[str, Any]

_SHOWN: Final = 3
# Rows times values that were sent: so many are compared to put an answer in order, half a second's work.
_MOST_COMPARED: Final = 100_000


def shown_by(cls: type[Entity], row: Values, *, names: Iterable[str], session: Session) -> dict[str, Any]:
    """Give what an answer shows of these fields, as wire values; secrets and what rows never carry are left out."""
    schema, wire = cls._schema, table_of(cls, session).names
    shown = {}
    for name in names:
        field = schema.fields[name]
        if wire[name] in row and not (field.write_only or field.secret):
            shown[name] = row[wire[name]]
    for link in schema.to_one.values():
        if isinstance(nested := shown.get(link.via), dict):
            shown[link.via] = nested.get(table_of(entity_named(link.target), session).pk)
    return shown


# --- creations --------------------------------------------------------------
class Keys:
    """The keys of rows that one run has created, each of which belongs to one of them."""

    def __init__(self, keys: Iterable[Any] = ()) -> None:
        self._keys = set(keys)
        self._lock = threading.Lock()

    def claim(self, key: Any) -> bool:
        """Whether this key is new."""
        with self._lock:
            is_new = key not in self._keys
            self._keys.add(key)
        return is_new

    def __contains__(self, key: object) -> bool:
        return key in self._keys


def check_created(
    cls: type[Entity], row: Values, *, sent: Values, session: Session, keys: Keys | None = None
) -> None:
    """Raise `WriteUnconfirmedError` where an answer to a creation has other values than were sent, or a known key."""
    part, key = cls._decisive(sent), _key(cls, row, session)
    shown = shown_by(cls, row, names=part, session=session)
    if wrong := _contradicted(cls, part, shown):
        raise unlike(cls, {name: (part[name], shown[name]) for name in wrong}, key=key)
    if keys is not None and not cls._is_found_again and not keys.claim(key):
        raise taken(cls, key)


def taken(cls: type[Entity], key: Any) -> WriteUnconfirmedError:
    """Say that an answer is of a row that another creation of the same run has made."""
    error = WriteUnconfirmedError(
        f"a {cls.__name__} was to be created, and the answer is {cls.__name__} {key}, which is another row of the same "
        "run. It may or may not have happened"
    )
    error.answered = (key,)
    return error


def _contradicted(cls: type[Entity], sent: Values, shown: Values) -> list[str]:
    """Name the fields whose values contradict what was sent; what was empty may have a default."""
    fields = cls._schema.fields
    return [
        name
        for name, value in shown.items()
        if not is_empty(sent[name])
        and carrying.like(fields[name], sent[name], held=value) in (Likeness.OTHER, Likeness.UNLIKELY)
    ]


def unlike(cls: type[Entity], values: Mapping[str, tuple[Any, Any]], *, key: Any) -> WriteUnconfirmedError:
    """Say that an answer is of another row than was to be made."""
    found = f"{cls.__name__} {key}" if key is not None else "a row without a key"
    error = WriteUnconfirmedError(
        f"a {cls.__name__} was to be created, and the answer is {found} with other values than were sent: "
        f"{_told(values)}. It may or may not have happened"
    )
    error.answered = () if key is None else (key,)
    return error


def _told(values: Mapping[str, tuple[Any, Any]]) -> str:
    return _few([_difference(name, sent, held) for name, (sent, held) in values.items()])


def _difference(name: str, sent: Any, held: Any) -> str:
    if isinstance(sent, dict) and isinstance(held, dict):
        keys = [key for key in sent | held if not same_json(sent.get(key, UNSET), held.get(key, UNSET))]
        return f"{name} differs at {_few(list(map(quoted, keys)))}"
    if isinstance(sent, list) or isinstance(held, list):
        return f"{name} differs"
    return f"{name} is {describe(held)}, not {describe(sent)}"


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")


def _key(cls: type[Entity], row: Values, session: Session) -> Any:
    return table_of(cls, session).key(row)


# --- creations by lists -----------------------------------------------------
def placed(
    cls: type[Entity],
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
        cls: type[Entity],
        sent: Sequence[Values],
        rows: Sequence[Any],
        session: Session,
        keys: Keys,
    ) -> None:
        self.cls, self.sent, self.known = cls, sent, keys
        read = list(map(table_of(cls, session).normalise, rows))
        self.keys = [_key(cls, row, session) for row in read]
        names = {name for values in sent for name in values}
        self.shown = [shown_by(cls, row, names=names, session=session) for row in read]
        self.claimed: set[int] = set()
        self.links: list[str] = []

    def placed(self) -> list[int | None]:
        """Give each place the number of its row, None where nothing tells which it is."""
        found: list[int | None] = list(range(len(self.sent)))
        odd = [place for place in range(len(self.sent)) if self.wrong(place, self.sent[place])]
        if odd:
            found = self._by_content(odd)
        if not self.cls._is_found_again:
            found = self._distinct(found)
        self.claimed = {row for row in found if row is not None}
        return found

    def wrong(self, row: int, values: Values) -> list[str]:
        """Name the fields of a row that contradict what was sent."""
        shown = {name: value for name, value in self.shown[row].items() if name in values}
        return _contradicted(self.cls, values, shown)

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
        if self.cls._is_found_again and None in found:
            return by_place  # a row that was there before may hold the values of others
        return found

    def _barred(self, place: int) -> bool:
        return bool(self.wrong(place, self.cls._decisive(self.sent[place])))

    def _links(self, values: Values) -> tuple[Any, ...]:
        """Give the links of a row that the whole answer shows: rows of others need not be compared."""
        return tuple(values.get(via) for via in self.links)

    def _by_links(self, groups: Iterable[list[int]]) -> dict[tuple[Any, ...], list[list[int]]]:
        vias = self.cls._schema.relations.values()
        self.links = [via for via in vias if all(via in values for values in (*self.sent, *self.shown))]
        found: dict[tuple[Any, ...], list[list[int]]] = {}
        for places in groups:
            found.setdefault(self._links(self.sent[places[0]]), []).append(places)
        return found

    def _home(self, shown: Values, groups: list[list[int]]) -> tuple[int, ...] | None:
        """Give the places of equal values that a row is surely of."""
        if len(groups) * len(self.sent) > _MOST_COMPARED:
            return None
        schema = self.cls._schema
        verdicts = (
            (tuple(each), carrying.likeness(schema, self.sent[each[0]], held=shown)) for each in groups
        )
        return carrying.only_one(verdicts)

    def _distinct(self, found: list[int | None]) -> list[int | None]:
        """Leave a row, and a key, to one place, and to none where nothing tells which."""
        by_key: dict[Any, list[int]] = {}
        for place, row in enumerate(found):
            if row is not None and self.keys[row] is not None:
                by_key.setdefault(self.keys[row], []).append(place)
        for key, places in by_key.items():
            keeper = self._keeper(places, found) if self.known.claim(key) else None
            for place in places:
                if place != keeper:
                    found[place] = None
        return found

    def _keeper(self, places: list[int], found: Sequence[int | None]) -> int | None:
        if len(places) == 1:
            return places[0]
        schema = self.cls._schema
        proven = [
            place
            for place in places
            if (row := found[place]) is not None
            and carrying.likeness(schema, self.sent[place], held=self.shown[row]) is not None
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


# --- changes ----------------------------------------------------------------
def check_changed(
    cls: type[Entity],
    pk: Any,
    *,
    sent: Values,
    before: Values,
    row: Any,
    session: Session,
    at_least: bool = False,
) -> None:
    """Raise `WriteIgnoredError` where the answer to a change shows that the backend did not take a field.

    *before* holds what was loaded, as wire values; `UNSET`, or nothing, where that is not known. Where rows are to hold
    *at least* what was sent, one that held more and stays so is as it was to be.
    """
    shown = shown_by(cls, row or {}, names=sent, session=session)
    ignored = {
        name: (sent[name], value)
        for name, value in shown.items()
        if not _is_taken(cls, name, sent[name], value, before=before.get(name, UNSET), session=session)
        and not (at_least and not is_empty(sent[name]) and _is_possible(cls, name, sent[name], value))
    }
    if ignored:
        error = ignoring(cls, pk, ignored=ignored, before=before, row=session.masked(row))
        error._is_doubtful = all(_is_possible(cls, name, *values) for name, values in ignored.items())
        raise error


def _is_possible(cls: type[Entity], name: str, sent: Any, shown: Any) -> bool:
    return carrying.like(cls._schema.fields[name], sent, held=shown) is Likeness.POSSIBLE


def is_rewriting(cls: type[Entity], error: Exception, *, session: Session) -> bool:
    """Whether a row only looked ignored: others have shown since that the backend rewrites these fields."""
    return (
        isinstance(error, WriteIgnoredError)
        and error._is_doubtful
        and all(session.rewrites(cls._schema.resource, name) for name in error.fields)
    )


def _is_taken(cls: type[Entity], name: str, sent: Any, shown: Any, *, before: Any, session: Session) -> bool:
    if is_elsewhere(shown):
        return True
    found = carrying.like(cls._schema.fields[name], sent, held=shown)
    if found is not Likeness.POSSIBLE:
        return found in (Likeness.SAME, None)
    resource = cls._schema.resource
    if _stays(shown, sent=sent, before=before):
        return session.rewrites(resource, name) or is_usual(sent, shown)
    session.note_rewriting(resource, name)
    return True


def _stays(shown: Any, *, sent: Any, before: Any) -> bool:
    """Whether a value that may be made of what was sent shows nothing of the change."""
    if before is UNSET:
        return is_empty(sent)
    if not isinstance(shown, dict) or not isinstance(sent, dict) or not isinstance(before, dict):
        return same_json(shown, before)
    changed = [key for key in sent | before if not same_json(sent.get(key, UNSET), before.get(key, UNSET))]
    return all(
        same_json(shown.get(key, UNSET), before.get(key, UNSET)) or (key in shown and key not in sent)
        for key in changed
    )


def is_elsewhere(shown: Any) -> bool:
    """Whether a row tells only where its annotation is, not what."""
    return isinstance(shown, dict) and shown.get("mode") in ("presigned", "inline") and "data_digest" in shown


def ignoring(
    cls: type[Entity], pk: Any, *, ignored: Mapping[str, tuple[Any, Any]], before: Values, row: Any
) -> WriteIgnoredError:
    """Say that the backend did not take some fields, given with what was sent and what the row shows."""
    names = ", ".join(ignored)
    error = WriteIgnoredError(
        f"{cls.__name__} {pk} was to be changed, and the backend says that it was, but it did not take {names}: "
        f"{_told(ignored)}. It may be read-only there, or not yours to change, or somebody else changed it at the same "
        "time. What else was sent is done",
        status_code=HTTPStatus.OK,
        response=row,
        errors={name: [_still(held, before.get(name, UNSET))] for name, (_, held) in ignored.items()},
    )
    error.fields = tuple(ignored)
    return error


def _still(held: Any, before: Any) -> str:
    return f"it is {'still ' if same_json(held, before) else ''}{describe(held)}"
