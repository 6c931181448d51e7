"""Whether rows are what was asked for: some backends ignore a filter that they do not know."""

from __future__ import annotations

import uuid

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import QueryError, ValidationError
from synapse.mapping.unset import UNSET
from synapse.orm.record import catalog_of, peek, schema_of, state_of, table_of
from synapse.orm.selection import evolved
from synapse.query import Condition, Exact, In, NotIn
from synapse.reading.read import count_rows

if TYPE_CHECKING:
    from synapse.orm.record import Record
    from synapse.orm.selection import Selection

# A key that no row has: the last that the smallest usual column holds.
NOBODY: Final = 2**31 - 1


def provable(queryset: Selection[Any]) -> list[tuple[Condition, str]]:
    """Pair the conditions of a query with the fields that tell whether they hold, where there is one."""
    schema, lookups = schema_of(queryset.entity), catalog_of(queryset.entity).lookups
    pairs = []
    for condition in queryset.query.where:
        name = lookups[condition.name].field or schema.relations.get(condition.name, condition.name)
        if name in schema.fields:
            pairs.append((condition, name))
    return pairs


def check_row(row: Record, pairs: list[tuple[Condition, str]]) -> set[Condition]:
    """Give the conditions that a row surely meets, or raise `QueryError` where it surely does not meet one."""
    met = set()
    for condition, name in pairs:
        value = peek(row, name)
        if value is UNSET:
            value = state_of(row).loaded(name)
        verdict = None if value is UNSET else condition.lookup.holds(value, condition.value)
        if verdict is False:
            raise QueryError(
                f"the backend ignored {condition}: it gave {row!r}, whose {name} is {value!r}. Nothing was written"
            )
        if verdict:
            met.add(condition)
    return met


def check_heeded(
    queryset: Selection[Any], conditions: Iterable[Condition], *, rows: Sequence[Record]
) -> None:
    """Raise `QueryError` for a condition that the backend ignores, though no field of the rows shows it.

    Its contrary must not give any of the same rows; where a condition has none, it must leave out some.
    """
    keys = {row.pk for row in rows}
    for condition in conditions if rows else ():
        other = contrary(condition, many=catalog_of(queryset.entity).lookups[condition.name].many)
        if other is None:
            _check_narrowing(queryset, condition, matched=len(rows))
        elif (key := _first_key(queryset, condition, instead=other)) in keys:
            raise QueryError(
                f"the backend ignored {condition}: asked for {other} instead, it gives {queryset.entity.__name__} "
                f"{key} as well. Nothing was written"
            )


def contrary(condition: Condition, *, many: bool) -> Condition | None:
    """Give a condition that no row can meet together with this one, where there is one.

    >>> from synapse.query import Exact
    >>> print(contrary(Condition("has_assignment", Exact, True), many=False))
    has_assignment=False
    """
    lookup, value = condition.lookup, condition.value
    if (inverse := In if lookup is NotIn else lookup.inverse) is not None:
        return attrs.evolve(condition, lookup=inverse)
    if lookup is not Exact and lookup is not In:
        return None  # of an extender's `title__ne`, two values have rows in common
    one = value[0] if lookup is In else value
    if isinstance(one, bool):
        return None if many else attrs.evolve(condition, value=not one)
    asked = value if lookup is In else (value,)
    nobody: Any = NOBODY if isinstance(one, int) else f"none-{uuid.uuid4().hex}"
    if nobody in asked:
        return None
    return attrs.evolve(condition, value=(nobody,) if lookup is In else nobody)


def _first_key(queryset: Selection[Any], condition: Condition, *, instead: Condition) -> Any:
    """Give the key of the first row with another condition; None without rows, or where the backend refuses it."""
    query, pk = queryset.query, schema_of(queryset.entity).pk
    # Two conditions that share a key on the wire would hide one another.
    rest = [each for each in query.where if (each.name, each.lookup) != (instead.name, instead.lookup)]
    where = (*(each for each in rest if each != condition), instead)
    bare = evolved(
        queryset, where=where, stop=query.start + 1, only=(pk,), defer=(), expand=(), prefetch=(), empty=False
    )
    try:
        return next((row.pk for row in bare), None)
    except ValidationError:
        return None


def _check_narrowing(queryset: Selection[Any], condition: Condition, *, matched: int) -> None:
    query, name = queryset.query, queryset.entity.__name__
    whole = attrs.evolve(query, start=0, stop=None)
    wider = attrs.evolve(whole, where=tuple(each for each in query.where if each != condition))
    session = queryset.session
    table = table_of(queryset.entity, session)
    if query.sliced:
        matched = count_rows(table, whole, session=session, walk=True)
    if matched >= count_rows(table, wider, session=session, walk=True):
        raise QueryError(
            f"{condition} leaves out no {name} ({matched} with it and without it), which is what a filter that the "
            "backend ignores looks like; name the rows by id__in=[...], or say everything=True if that is meant. "
            "Nothing was written"
        )
