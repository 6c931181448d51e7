"""Whether a row is what was sent: how a creation whose answer never came is found again."""

from __future__ import annotations

import json
import math
import unicodedata

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import attrs

from synapse.mapping.codecs import Misfit, dump_value, open_value
from synapse.mapping.unset import UNSET
from synapse.orm import loading
from synapse.orm.proof import SLACK

if TYPE_CHECKING:
    from synapse.mapping.schema import Field
    from synapse.orm.entity import Entity

N = TypeVar("N")


@attrs.frozen
class Paired(Generic[N]):
    """Which rows carry which values: `found` surely, `doubtful` perhaps; the others are not there."""

    found: dict[N, Any]
    doubtful: dict[N, list[Any]]


def pair(sent: Mapping[N, Mapping[str, Any]], rows: Iterable[Entity]) -> Paired[N]:
    """Find for each set of values that was sent, by field, the key of the row that carries it.

    Equal values are told apart by number only: two that were sent are two rows. A row that may be either of two that
    differ, or one row more than were sent, is no proof of any.
    """
    alike: dict[str, list[N]] = {}
    for name, values in sent.items():
        alike.setdefault(json.dumps(values, sort_keys=True), []).append(name)
    values_of = [(names, sent[names[0]]) for names in alike.values()]
    claims: list[list[Any]] = [[] for _ in values_of]
    doubts: list[list[Any]] = [[] for _ in values_of]
    for row in rows:
        verdicts = [carries(values, row) for _, values in values_of]
        same = [index for index, verdict in enumerate(verdicts) if verdict]
        if len(same) == 1:
            claims[same[0]].append(row.pk)
            continue
        for index in same or [index for index, verdict in enumerate(verdicts) if verdict is None]:
            doubts[index].append(row.pk)
    return _sorted_out([names for names, _ in values_of], claims, doubts)


def _sorted_out(
    groups: Sequence[list[N]], claims: Sequence[list[Any]], doubts: Sequence[list[Any]]
) -> Paired[N]:
    found: dict[N, Any] = {}
    doubtful: dict[N, list[Any]] = {}
    for names, sure, unsure in zip(groups, claims, doubts, strict=True):
        if len(sure) > len(names):
            doubtful |= dict.fromkeys(names, sure)
            continue
        found |= zip(names, sorted(sure), strict=False)
        if unsure:
            doubtful |= dict.fromkeys(names[len(sure) :], unsure)
    return Paired(found, doubtful)


def carries(sent: Mapping[str, Any], row: Entity) -> bool | None:
    """Whether a row carries these wire values, by field; None where the backend may have made it of them.

    Fields that rows do not carry, and secrets, which may come masked, tell nothing.
    """
    verdict: bool | None = True
    for name, value in sent.items():
        field = row._schema.fields[name]
        if field.write_only or field.secret or not loading.has(row, name):
            continue
        same = alike(value, _wire_value(row, field))
        if same is None and field.codec.lazy and not field.codec.plain:
            continue  # such as files, which are described in other words than they were named by
        if same is False:
            return False
        verdict = verdict and same
    return verdict


def _wire_value(row: Entity, field: Field) -> Any:
    codec, loaded = field.codec, row._state.loaded(field.name)
    if not codec.lazy or loaded is UNSET:
        return dump_value(codec, loading.peek(row, field.name))
    if codec.plain:
        return loaded
    try:
        return dump_value(codec, open_value(codec, loaded, session=None))
    except Misfit:
        return None


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
        return True if sent == held else _alike_texts(sent, held)
    if isinstance(sent, bool) or isinstance(held, bool):
        return sent is held if isinstance(sent, bool) and isinstance(held, bool) else None
    if isinstance(sent, int | float) and isinstance(held, int | float):
        return True if sent == held else (None if math.isclose(sent, held, rel_tol=1e-6) else False)
    return True if type(sent) is type(held) and sent == held else None


def _alike_texts(sent: str, held: str) -> bool | None:
    if _folded(sent) == _folded(held):
        return None
    try:
        apart = datetime.fromisoformat(sent) - datetime.fromisoformat(held)
    except (ValueError, TypeError):
        return False
    # The same moment may be written in another zone, and less finely.
    return None if abs(apart) < SLACK and apart else not apart


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
