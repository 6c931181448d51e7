"""Whether a row is what was sent: how answers are held against it, and lost creations are found again."""

from __future__ import annotations

import json

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from synapse.mapping.codecs import dump_value
from synapse.mapping.likeness import Likeness, is_empty
from synapse.mapping.unset import UNSET
from synapse.masking import mask_body
from synapse.orm.record import peek, schema_of, state_of

if TYPE_CHECKING:
    from synapse.mapping.schema import Field, Schema
    from synapse.orm.record import Record

N = TypeVar("N")
T = TypeVar("T")


@attrs.frozen
class Paired(Generic[N]):
    """Which rows carry which values: `found` surely, `doubtful` perhaps; the others are not there."""

    found: dict[N, Any]
    doubtful: dict[N, list[Any]]


@attrs.define(eq=False, repr=False)
class _Equals(Generic[N]):
    """Equal values: their names, each with the key that its row is above, and the rows by how like they are."""

    values: Mapping[str, Any]
    names: list[N] = attrs.field(factory=list)
    after: list[Any] = attrs.field(factory=list)
    sure: list[Any] = attrs.field(factory=list)
    likely: list[Any] = attrs.field(factory=list)
    unsure: list[Any] = attrs.field(factory=list)

    def reached(self, pk: Any) -> int:
        """Count the names that a row of this key may be of."""
        return sum(1 for key in self.after if key is None or pk > key)

    def told(self) -> Paired[N]:
        """Give each name its row; where there are more rows than names for them, none is sure."""
        if self._are_too_many(self.sure):
            return Paired({}, self._doubtful(self.sure))
        rows = self.sure if self._are_too_many(self.sure + self.likely) else self.sure + self.likely
        found = dict(zip(self.names, sorted(rows), strict=False))
        left = [*self.likely, *self.unsure]
        return Paired(found, self._doubtful([pk for pk in left if pk not in rows], but=found))

    def _are_too_many(self, rows: list[Any]) -> bool:
        return any(self.reached(pk) <= place for place, pk in enumerate(sorted(rows)))

    def _doubtful(self, keys: Iterable[Any], *, but: Iterable[N] = ()) -> dict[N, list[Any]]:
        doubts = {
            name: [pk for pk in keys if after is None or pk > after]
            for name, after in zip(self.names, self.after, strict=True)
            if name not in but
        }
        return {name: keys for name, keys in doubts.items() if keys}


def pair(
    sent: Mapping[N, Mapping[str, Any]],
    rows: Iterable[Record],
    *,
    after: Mapping[N, int] | None = None,
    rewritten: bool = False,
) -> Paired[N]:
    """Find for each set of values that was sent, by field, the key of the row that carries it.

    Equal values are told apart by number only: two that were sent are two rows. A row that may be either of two that
    differ, or one row more than were sent, is no proof of any. *after* gives keys that the rows are above. A row that
    the backend may have made of the values of one of them alone is its own if rows may be *rewritten*, else doubtful.
    """
    groups: dict[str, _Equals[N]] = {}
    for name in sorted(sent, key=after.__getitem__) if after else sent:
        equals = groups.setdefault(json.dumps(sent[name], sort_keys=True), _Equals(sent[name]))
        equals.names.append(name)
        equals.after.append(after[name] if after else None)
    fields = {field for values in sent.values() for field in values}
    for row in rows:
        held = held_by(row, fields)
        verdicts = [
            (each, likeness(schema_of(row), each.values, held=held))
            for each in groups.values()
            if each.reached(row.pk)
        ]
        _assign(row.pk, verdicts, rewritten=rewritten)
    told = [each.told() for each in groups.values()]
    return Paired(
        {name: key for each in told for name, key in each.found.items()},
        {name: keys for each in told for name, keys in each.doubtful.items()},
    )


def _assign(pk: Any, verdicts: list[tuple[_Equals[Any], Likeness | None]], *, rewritten: bool) -> None:
    same = [each for each, verdict in verdicts if verdict is Likeness.SAME]
    own = only_one(verdicts)
    if own is not None and (same or rewritten):
        (own.sure if same else own.likely).append(pk)
        return
    for each in same or [each for each, verdict in verdicts if verdict is not Likeness.OTHER]:
        each.unsure.append(pk)


def only_one(verdicts: Iterable[tuple[T, Likeness | None]]) -> T | None:
    """Give the one whose row this is: the one that it is the same as, else the only one that it may be made of."""
    found: dict[Likeness | None, list[T]] = {}
    for each, verdict in verdicts:
        found.setdefault(verdict, []).append(each)
    if same := found.get(Likeness.SAME):
        return same[0] if len(same) == 1 else None
    possible = found.get(Likeness.POSSIBLE, [])
    return possible[0] if len(possible) == 1 and None not in found else None


def likeness(schema: Schema, sent: Mapping[str, Any], *, held: Mapping[str, Any]) -> Likeness | None:
    """Tell how like a new row is to the wire values that it was to be made of, by field; None where nothing tells.

    What rows never carry tells nothing, nor do secrets, which may come masked, and addresses of files, which the
    backend keeps at its own. For what is empty a backend may have a default.
    """
    verdict = Likeness.SAME
    compared = doubtful = False
    for name, value in sent.items():
        field = schema.fields[name]
        if name not in held or _is_inside(field, value) or (held[name] is UNSET and is_empty(value)):
            continue
        found = None if held[name] is UNSET else like(field, value, held=held[name])
        if found is Likeness.OTHER and not is_empty(value):
            return found
        compared, doubtful = True, doubtful or found is None
        if found is not None:
            verdict = min(verdict, max(found, Likeness.POSSIBLE) if is_empty(value) else found)
    return verdict if compared and not doubtful else None


def like(field: Field, sent: Any, *, held: Any) -> Likeness | None:
    """Compare one field; what may be secret inside it may come masked, or not at all."""
    try:
        return _like(field, sent, held)
    except RecursionError:
        return None  # nested too deeply to tell


def _like(field: Field, sent: Any, held: Any) -> Likeness | None:
    if sent == held:
        return Likeness.SAME
    found = field.codec.like(sent, held)
    if found in (Likeness.OTHER, Likeness.UNLIKELY) and isinstance(sent, dict | list):
        bare = without_secrets_inside(sent)
        if bare != sent:
            again = field.codec.like(bare, held)
            return None if again is None else min(again, Likeness.POSSIBLE)
    return found


def without_secrets_inside(value: Any) -> Any:
    """Leave out, at any depth, what goes by the name of a secret."""
    if isinstance(value, dict):
        return {
            name: without_secrets_inside(each)
            for name, each in value.items()
            if mask_body({name: "x"}) == {name: "x"}
        }
    return list(map(without_secrets_inside, value)) if isinstance(value, list) else value


def _is_inside(field: Field, value: Any) -> bool:
    return isinstance(value, str) and field.codec.lazy and not field.codec.plain


def held_by(row: Record, names: Iterable[str]) -> dict[str, Any]:
    """Give what a row holds in the fields that can tell, as wire values; `UNSET` where it should, and does not."""
    held = {}
    for name in names:
        field = schema_of(row).fields[name]
        if field.write_only or field.secret:
            continue
        raw = state_of(row).loaded(name) if field.codec.lazy else UNSET
        value = peek(row, name) if raw is UNSET else raw
        held[name] = value if value is UNSET or raw is not UNSET else dump_value(field.codec, value)
    return held
