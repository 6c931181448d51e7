"""Whether a row is what was sent: how a creation whose answer never came is found again."""

from __future__ import annotations

import html
import json
import math
import unicodedata

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from synapse.mapping.codecs import Codec, Misfit, codec_of, dump_value, open_value
from synapse.mapping.unset import UNSET
from synapse.orm import loading
from synapse.orm.proof import SLACK

if TYPE_CHECKING:
    from synapse.orm.entity import Entity

N = TypeVar("N")
_MOMENT: Final = codec_of(datetime)
# A backend cuts long texts at the end of a column; a short one that begins another is another.
_LONG: Final = 30


@attrs.frozen
class Paired(Generic[N]):
    """Which rows carry which values: `found` surely, `doubtful` perhaps; the others are not there."""

    found: dict[N, Any]
    doubtful: dict[N, list[Any]]


@attrs.define
class _Equals(Generic[N]):
    """Equal values: their names, each with the key that its row is above; the rows that carry them surely, or may."""

    values: Mapping[str, Any]
    names: list[N] = attrs.field(factory=list)
    after: list[Any] = attrs.field(factory=list)
    sure: list[Any] = attrs.field(factory=list)
    unsure: list[Any] = attrs.field(factory=list)

    def reached(self, pk: Any) -> int:
        """Count the names that a row of this key may be of."""
        return sum(1 for key in self.after if key is None or pk > key)

    def told(self) -> Paired[N]:
        """Give each name its row; where there are more rows than names for them, none is sure."""
        rows = sorted(self.sure)
        if any(self.reached(pk) <= place for place, pk in enumerate(rows)):
            return Paired({}, self._doubtful(self.sure))
        found = dict(zip(self.names, rows, strict=False))
        return Paired(found, self._doubtful(self.unsure, but=found))

    def _doubtful(self, keys: Iterable[Any], *, but: Iterable[N] = ()) -> dict[N, list[Any]]:
        doubts = {
            name: [pk for pk in keys if after is None or pk > after]
            for name, after in zip(self.names, self.after, strict=True)
            if name not in but
        }
        return {name: keys for name, keys in doubts.items() if keys}


def pair(
    sent: Mapping[N, Mapping[str, Any]], rows: Iterable[Entity], *, after: Mapping[N, int] | None = None
) -> Paired[N]:
    """Find for each set of values that was sent, by field, the key of the row that carries it.

    Equal values are told apart by number only: two that were sent are two rows. A row that may be either of two that
    differ, or one row more than were sent, is no proof of any. *after* gives keys that the rows are above.
    """
    groups: dict[str, _Equals[N]] = {}
    for name in sorted(sent, key=after.__getitem__) if after else sent:
        equals = groups.setdefault(json.dumps(sent[name], sort_keys=True), _Equals(sent[name]))
        equals.names.append(name)
        equals.after.append(after[name] if after else None)
    fields = {field for values in sent.values() for field in values}
    for row in rows:
        held = _held(row, fields)
        verdicts = [
            (each, _verdict(each.values, held, row)) for each in groups.values() if each.reached(row.pk)
        ]
        same = [each for each, verdict in verdicts if verdict]
        if len(same) == 1:
            same[0].sure.append(row.pk)
            continue
        for each in same or [each for each, verdict in verdicts if verdict is None]:
            each.unsure.append(row.pk)
    told = [each.told() for each in groups.values()]
    return Paired(
        {name: key for each in told for name, key in each.found.items()},
        {name: keys for each in told for name, keys in each.doubtful.items()},
    )


def carries(sent: Mapping[str, Any], row: Entity) -> bool | None:
    """Whether a row carries these wire values, by field; None where the backend may have made it of them.

    What rows never carry tells nothing, nor do secrets, which may come masked, and addresses of files, which the
    backend keeps at its own. Where nothing tells, nobody knows.
    """
    return _verdict(sent, _held(row, sent), row)


def _verdict(sent: Mapping[str, Any], held: Mapping[str, Any], row: Entity) -> bool | None:
    verdict: bool | None = True
    compared = False
    for name, value in sent.items():
        codec = row._schema.fields[name].codec
        if name not in held or (isinstance(value, str) and codec.lazy and not codec.plain):
            continue
        same = None if held[name] is UNSET else _same(codec, value, held[name])
        if same is False:
            return False
        verdict, compared = verdict and same, True
    return verdict if compared else None


def _held(row: Entity, names: Iterable[str]) -> dict[str, Any]:
    """Give what a row holds in the fields that can tell; `UNSET` where it should, and does not."""
    held = {}
    for name in names:
        field = row._schema.fields[name]
        if not (field.write_only or field.secret):
            held[name] = _value(row, name, field.codec) if loading.has(row, name) else UNSET
    return held


def _value(row: Entity, name: str, codec: Codec) -> Any:
    raw = row._state.loaded(name) if codec.lazy else UNSET
    if raw is UNSET or codec.plain:
        return loading.peek(row, name) if raw is UNSET else raw
    try:
        return open_value(codec, raw, session=None)
    except Misfit:
        return UNSET


def _same(codec: Codec, sent: Any, held: Any) -> bool | None:
    if held is None or codec.plain:
        return alike(sent, held)
    if codec is _MOMENT:
        return _same_moment(sent, held)
    if codec.lazy and isinstance(held, Mapping):
        return _same_files(sent, held)
    if codec.lazy and isinstance(sent, Mapping):
        return _same_file(sent, held)
    return alike(sent, dump_value(codec, held))


def _same_moment(sent: str, held: datetime) -> bool | None:
    # The same moment may be written in another zone, and less finely.
    apart = abs(datetime.fromisoformat(sent) - held)
    return None if apart < SLACK and apart else not apart


def _same_files(sent: Mapping[str, Any], held: Mapping[str, Any]) -> bool | None:
    """Hold files against what they were named by; a backend may add some, and show none of them."""
    verdicts = [_same_file(sent[name], held[name]) for name in sent.keys() & held.keys()]
    if False in verdicts or (held and sent.keys() - held.keys()):
        return False
    return True if sent.keys() == held.keys() and None not in verdicts else None


def _same_file(sent: Any, held: Any) -> bool | None:
    """Hold a file against its path and its checksum where both tell of them."""
    if not isinstance(sent, Mapping):
        return None
    verdicts = []
    for name, same in (("path", _same_path), ("checksum", _same_checksum)):
        one, other = sent.get(name), getattr(held, name, None)
        if one and other:
            verdicts.append(same(one, other))
    if False in verdicts:
        return False
    return True if True in verdicts else None


def _same_path(sent: str, held: str) -> bool | None:
    if sent == held:
        return True
    one, other = f"/{_folded(sent)}", f"/{_folded(held)}"
    return None if one.endswith(other) or other.endswith(one) else False


def _same_checksum(sent: str, held: str) -> bool | None:
    # Of another length, it is that of another algorithm.
    return sent.lower() == held.lower() if len(sent) == len(held) else None


def alike(sent: Any, held: Any) -> bool | None:
    """Whether a wire value is what was sent; None where a backend may have rewritten it so.

    >>> alike("a ", "A"), alike({"a": 1}, {"a": 1, "b": 2}), alike({"a": 1}, {"a": 2})
    (None, None, False)
    """
    if isinstance(sent, Mapping) and isinstance(held, Mapping):
        verdicts = [alike(sent[key], held[key]) for key in sent.keys() & held.keys()]
        if False in verdicts:
            return False
        return True if sent.keys() == held.keys() and None not in verdicts else None
    if isinstance(sent, str) and isinstance(held, str):
        return True if sent == held else _rewritten(_folded(sent), _folded(held))
    if isinstance(sent, bool) or isinstance(held, bool):
        return sent is held if isinstance(sent, bool) and isinstance(held, bool) else None
    if isinstance(sent, int | float) and isinstance(held, int | float):
        whole = isinstance(sent, int) and isinstance(held, int)
        return True if sent == held else (None if not whole and _rounded(sent, held) else False)
    return True if type(sent) is type(held) and sent == held else None


def _rewritten(sent: str, held: str) -> bool | None:
    return None if sent == held or (len(held) >= _LONG and sent.startswith(held)) else False


def _rounded(sent: float, held: float) -> bool:
    return math.isclose(sent, held, rel_tol=1e-6) or any(held == round(sent, digits) for digits in range(7))


def _folded(text: str) -> str:
    return " ".join(html.unescape(unicodedata.normalize("NFKC", text)).casefold().split())
