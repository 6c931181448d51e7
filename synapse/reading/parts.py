"""The order that a query is read in, and its split where the filters are too long for one URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs

from synapse.errors import QueryError
from synapse.mapping.codecs import Misfit
from synapse.mapping.unset import UNSET
from synapse.query import Condition, In, Query
from synapse.query.kinds import Key

if TYPE_CHECKING:
    from synapse.dialects import Table

Fits = Callable[[Query], bool]


def with_usual_order(table: Table, query: Query) -> Query:
    """Give a query without an order the entity's own: the first that it declares."""
    return query if query.order else query.ordered(table.orders[:1])


def with_total_order(table: Table, query: Query) -> Query:
    """Add the key as the last order, so that no two rows share a place."""
    query, pk = with_usual_order(table, query), table.schema.pk
    if pk not in table.orders or any(name.lstrip("-") == pk for name in query.order):
        return query
    sign = "-" if query.order and query.order[-1].startswith("-") else ""
    return attrs.evolve(query, order=(*query.order, f"{sign}{pk}"))


def by_key(table: Table, query: Query) -> bool:
    """Whether the key alone decides the order."""
    return bool(query.order) and query.order[0].lstrip("-") == table.schema.pk


def split_filters(table: Table, query: Query, *, fits: Fits) -> list[Query]:
    """Split a query into parts that are read whole and carry what their rows are ordered by.

    Where the key decides the order, a list of keys is split so that the parts follow each other in it.
    """
    ordered = with_total_order(table, attrs.evolve(query, start=0, stop=None))
    if ordered.only:
        bare = [name.lstrip("-") for name in ordered.order]
        ordered = attrs.evolve(ordered, only=tuple(dict.fromkeys((*ordered.only, *bare))))
    if by_key(table, ordered) and isinstance(table.schema.key, Key):
        down = ordered.order[0].startswith("-")
        ordered = attrs.evolve(
            ordered,
            where=tuple(
                attrs.evolve(each, value=tuple(sorted(each.value, reverse=down)))
                if _lists_keys(table, each)
                else each
                for each in ordered.where
            ),
        )
    return _halved(table, ordered, fits)


def _halved(table: Table, query: Query, fits: Fits) -> list[Query]:
    """Split the longest list of a query until each part fits into one URL."""
    if fits(query):
        return [query]
    lists = [each for each in query.where if each.lookup is In and len(each.value) > 1]
    if not lists:
        raise QueryError(
            f"the filters of this {table.schema.entity} query are too long for one URL and cannot be split; "
            "exclude fewer keys, or drop the rows while iterating"
        )
    longest = max(lists, key=lambda each: len(each.value))
    values, rest = longest.value, tuple(each for each in query.where if each is not longest)
    middle = len(values) // 2
    halves = (Condition(longest.name, In, values[:middle]), Condition(longest.name, In, values[middle:]))
    return [
        part for half in halves for part in _halved(table, attrs.evolve(query, where=(*rest, half)), fits)
    ]


def disjoint(table: Table, parts: list[Query]) -> bool:
    """Whether no row can be in two of the parts: only their keys differ."""
    others = {tuple(each for each in part.where if not _lists_keys(table, each)) for part in parts}
    return len(others) == 1


def in_sequence(table: Table, parts: list[Query]) -> bool:
    """Whether the parts' rows, one part after the other, are in the order of the result."""
    return by_key(table, parts[0]) and isinstance(table.schema.key, Key) and disjoint(table, parts)


def _lists_keys(table: Table, condition: Condition) -> bool:
    return condition.name == table.schema.pk and condition.lookup is In


def behind(table: Table, part: Query, *, key: Any) -> Query | None:
    """Leave out of a part the keys up to one; None where no key is left."""
    down = part.order[0].startswith("-")
    kept = []
    for each in part.where:
        if _lists_keys(table, each):
            left = tuple(value for value in each.value if (value < key if down else value > key))
            if not left:
                return None
            each = attrs.evolve(each, value=left)
        kept.append(each)
    return attrs.evolve(part, where=tuple(kept))


def sort_key(table: Table, value: Any, *, field: str) -> tuple[bool, Any]:
    """Give what a row is sorted by; null comes last, as in PostgreSQL, and so does what does not fit the field."""
    if value is None or value is UNSET:
        return (True, None)
    try:
        return (False, table.schema.fields[field].codec.load(value))
    except Misfit:
        return (True, None)


def can_be_sorted(table: Table, value: Any, *, field: str) -> bool:
    """Whether a value tells where its row belongs in the order of a field: it fits the field, or is null."""
    return value is None or not sort_key(table, value, field=field)[0]
