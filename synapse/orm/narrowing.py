"""The conditions of `filter()` and `exclude()`, added to those of a query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from synapse.errors import QueryError
from synapse.orm import binding
from synapse.query.lookups import Nothing

if TYPE_CHECKING:
    from synapse.orm.queryset import QuerySet

Q = TypeVar("Q", bound="QuerySet[Any]")


def narrowed(
    queryset: Q, verb: Literal["filter", "exclude"], *, lookups: dict[str, Any], refused: tuple[object, ...]
) -> Q:
    """Give the query that meets these lookups, or none of them, as well."""
    if refused:
        raise QueryError(
            f"{verb}() takes name=value only; the backend cannot answer OR or nested conditions. Chain filter() for "
            "AND; for OR run both queries, and join the rows by key"
        )
    if verb == "exclude" and len(lookups) > 1:
        raise QueryError(
            "exclude() with several lookups means NOT (a AND b), which the backend cannot answer; "
            "chain one exclude() for each if you mean NOT a AND NOT b"
        )
    queryset._unsliced(f"{verb}()")
    # An iterator would be used up by the first of two looks at it.
    lookups = {name: list(each) if isinstance(each, Iterator) else each for name, each in lookups.items()}
    keys_of = binding.among(lookups.values(), known=queryset._keys_of)
    catalog, where = queryset.entity._catalog, queryset.query.where
    make = catalog.condition if verb == "filter" else catalog.negation
    conditions = [make(spelling, value) for spelling, value in lookups.items()]
    try:
        for condition in conditions:
            where = catalog.add(where, condition)
    except Nothing:
        made = queryset._evolve(where=(*where, *conditions), empty=True)
    else:
        made = queryset._evolve(where=where)
    made._keys_of = keys_of
    return made
