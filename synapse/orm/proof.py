"""Whether rows are what was asked for: some backends ignore a filter that they do not know."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from synapse.errors import QueryError
from synapse.mapping.unset import UNSET
from synapse.orm import loading
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
        name = schema.relations.get(condition.name, condition.name)
        field = schema.fields.get(name)
        if field is not None and not field.codec.lazy and not lookups[condition.name].many:
            pairs.append((condition, name))
    return pairs


def check(row: Entity, pairs: list[tuple[Condition, str]]) -> None:
    """Raise `QueryError` for a row that surely does not meet a condition."""
    for condition, name in pairs:
        value = loading.peek(row, name)
        if value is not UNSET and not may_hold(condition, value):
            raise QueryError(
                f"the backend ignored {condition}: it gave {row!r}, whose {name} is {value!r}. Nothing was written"
            )


def may_hold(condition: Condition, value: Any) -> bool:
    """Whether a value may meet a condition; what cannot be compared may.

    >>> may_hold(Condition("id", Gt, 5), 5), may_hold(Condition("plugin", Exact, "code"), 5)
    (False, True)
    """
    lookup = condition.lookup
    asked = condition.value if issubclass(lookup, In) else (condition.value,)
    if value is None:
        return lookup is NotIn
    pairs = list(_comparable(value, asked))
    if len(pairs) < len(asked):
        return True
    equal = [one == other for one, other in pairs]
    if lookup is NotIn:
        return not any(equal)
    if lookup in (Exact, In):
        return any(equal)
    ((one, other),) = pairs
    slack: Any = SLACK if isinstance(one, datetime) else 0
    low, high = (other, one + slack) if lookup in (Gt, Gte) else (one - slack, other)
    return bool(low < high if lookup in (Gt, Lt) else low <= high)


def _comparable(value: Any, asked: Any) -> Iterator[tuple[Any, Any]]:
    for each in asked:
        if isinstance(value, str) and isinstance(each, str):
            yield value.casefold(), each.casefold()
        elif isinstance(value, datetime) and isinstance(each, datetime):
            if (value.tzinfo is None) == (each.tzinfo is None):
                yield value, each
        elif type(value) is type(each):
            yield value, each
