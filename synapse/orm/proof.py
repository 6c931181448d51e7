"""Whether rows are what was asked for: some backends ignore a filter that they do not know."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import QueryError
from synapse.mapping.unset import UNSET
from synapse.orm import loading, reading
from synapse.query import Condition, Exact, Gt, Gte, In, Lt, NotIn

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet

# A backend may show moments less finely than it compares them.
SLACK: Final = timedelta(seconds=1)


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


def check_narrowed(queryset: QuerySet[Any], matched: int) -> None:
    """Raise `QueryError` where conditions that no field proves leave out no row at all."""
    query, name = queryset.query, queryset.entity.__name__
    if not query.where or not matched:
        return
    whole = attrs.evolve(query, start=0, stop=None)
    cls, session = queryset.entity, queryset.session
    if query.sliced:
        matched = reading.count(cls, whole, session=session)
    if matched >= reading.count(cls, attrs.evolve(whole, where=()), session=session):
        asked = ", ".join(map(str, query.where))
        raise QueryError(
            f"{asked} matches every {name} there is ({matched}), which is what a filter that "
            "the backend ignores looks like; say everything=True if that is meant. Nothing was written"
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
