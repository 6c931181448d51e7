"""Whether rows are what was asked for: some backends ignore a filter that they do not know."""

from __future__ import annotations

import uuid

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import QueryError, ValidationError
from synapse.mapping.unset import UNSET
from synapse.orm import loading, reading
from synapse.orm.registry import table_of
from synapse.query import Condition, Exact, Gt, Gte, In, Lt, NotIn

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet

# A backend may show moments less finely than it compares them.
SLACK: Final = timedelta(seconds=1)
# A key that no row has: the last that the smallest usual column holds.
NOBODY: Final = 2**31 - 1


def telling(queryset: QuerySet[Any]) -> list[tuple[Condition, str]]:
    """Pair the conditions of a query with the fields that tell whether they hold, where there is one."""
    schema, lookups = queryset.entity._schema, queryset.entity._catalog.lookups
    pairs = []
    for condition in queryset.query.where:
        name = lookups[condition.name].field or schema.relations.get(condition.name, condition.name)
        if name in schema.fields:
            pairs.append((condition, name))
    return pairs


def check(row: Entity, pairs: list[tuple[Condition, str]]) -> set[Condition]:
    """Give the conditions that a row surely meets, or raise `QueryError` where it surely does not meet one."""
    met = set()
    for condition, name in pairs:
        value = loading.peek(row, name)
        if value is UNSET:
            value = row._state.loaded(name)
        verdict = None if value is UNSET else holds(condition, value)
        if verdict is False:
            raise QueryError(
                f"the backend ignored {condition}: it gave {row!r}, whose {name} is {value!r}. Nothing was written"
            )
        if verdict:
            met.add(condition)
    return met


def check_heard(queryset: QuerySet[Any], conditions: Iterable[Condition], *, rows: Sequence[Entity]) -> None:
    """Raise `QueryError` for a condition that the backend ignores, though no field of the rows shows it.

    Its contrary must not give any of the same rows; where a condition has none, it must leave out some.
    """
    keys = {row.pk for row in rows}
    for condition in conditions if rows else ():
        other = contrary(condition, many=queryset.entity._catalog.lookups[condition.name].many)
        if other is None:
            _check_narrowing(queryset, condition, matched=len(rows))
        elif (key := _first_key(queryset, condition, instead=other)) in keys:
            raise QueryError(
                f"the backend ignored {condition}: asked for {other} instead, it gives {queryset.entity.__name__} "
                f"{key} as well. Nothing was written"
            )


def contrary(condition: Condition, *, many: bool) -> Condition | None:
    """Give a condition that no row can meet together with this one, where there is one.

    >>> print(contrary(Condition("has_assignment", Exact, True), many=False))
    has_assignment=False
    """
    lookup, value = condition.lookup, condition.value
    if (inverse := In if lookup is NotIn else lookup.inverse) is not None:
        return attrs.evolve(condition, lookup=inverse)
    one = value[0] if lookup is In else value
    if isinstance(one, bool):
        return None if many else attrs.evolve(condition, value=not one)
    asked = value if lookup is In else (value,)
    nobody: Any = NOBODY if isinstance(one, int) else f"none-{uuid.uuid4().hex}"
    if nobody in asked:
        return None
    return attrs.evolve(condition, value=(nobody,) if lookup is In else nobody)


def _first_key(queryset: QuerySet[Any], condition: Condition, *, instead: Condition) -> Any:
    """Give the key of the first row with another condition; None without rows, or where the backend refuses it."""
    query, pk = queryset.query, queryset.entity._schema.pk
    # Two conditions that share a key on the wire would hide one another.
    rest = [each for each in query.where if (each.name, each.lookup) != (instead.name, instead.lookup)]
    where = (*(each for each in rest if each != condition), instead)
    bare = queryset._evolve(
        where=where, stop=query.start + 1, only=(pk,), defer=(), expand=(), prefetch=(), empty=False
    )
    try:
        return next((row.pk for row in bare), None)
    except ValidationError:
        return None


def _check_narrowing(queryset: QuerySet[Any], condition: Condition, *, matched: int) -> None:
    query, name = queryset.query, queryset.entity.__name__
    whole = attrs.evolve(query, start=0, stop=None)
    wider = attrs.evolve(whole, where=tuple(each for each in query.where if each != condition))
    session = queryset.session
    table = table_of(queryset.entity, session)
    if query.sliced:
        matched = reading.count(table, whole, session=session)
    if matched >= reading.count(table, wider, session=session):
        raise QueryError(
            f"{condition} leaves out no {name} ({matched} with it and without it), which is what a filter that the "
            "backend ignores looks like; name the rows by id__in=[...], or say everything=True if that is meant. "
            "Nothing was written"
        )


def holds(condition: Condition, value: Any) -> bool | None:
    """Whether a value meets a condition; None where the two cannot be compared.

    >>> holds(Condition("id", Gt, 5), 5), holds(Condition("plugin", Exact, "code"), 5)
    (False, None)
    """
    lookup = condition.lookup
    asked = condition.value if issubclass(lookup, In) else (condition.value,)
    if value is None:
        return lookup is NotIn
    if isinstance(value, list):
        return _holds_one(value, asked) if lookup in (Exact, In) else None
    pairs = list(_comparable(value, asked))
    if len(pairs) < len(asked):
        return None
    equal = [one == other for one, other in pairs]
    if lookup is NotIn:
        return not any(equal)
    if lookup in (Exact, In):
        return any(equal)
    ((one, other),) = pairs
    slack: Any = SLACK if isinstance(one, datetime) else 0
    low, high = (other, one + slack) if lookup in (Gt, Gte) else (one - slack, other)
    return bool(low < high if lookup in (Gt, Lt) else low <= high)


def _holds_one(values: list[Any], asked: Sequence[Any]) -> bool | None:
    pairs = [pair for value in values for pair in _comparable(value, asked)]
    if any(one == other for one, other in pairs):
        return True
    return False if len(pairs) == len(values) * len(asked) else None


def _comparable(value: Any, asked: Any) -> Iterator[tuple[Any, Any]]:
    for each in asked:
        if isinstance(value, str) and isinstance(each, str):
            yield value.casefold(), each.casefold()
        elif isinstance(value, datetime) and isinstance(each, datetime):
            if (value.tzinfo is None) == (each.tzinfo is None):
                yield value, each
        elif type(value) is type(each):
            yield value, each
