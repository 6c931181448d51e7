"""From a query to the plan that it is read by. Pure: what is known before anything is sent decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import attrs

from synapse.errors import QueryError, describe, did_you_mean
from synapse.query import Condition, Exact, Gt, In, Lt, Query
from synapse.query.kinds import Key
from synapse.reading import parts

if TYPE_CHECKING:
    from synapse.dialects import Table

PlanName = Literal["ranges", "pages", "cursor", "one"]
NAMES: Final[tuple[PlanName, ...]] = get_args(PlanName)
USUAL_PAGE: Final = 100
SHALLOW: Final = 10
"""Slices of up to so many pages are read by number: that costs no more than ranges, and each request is known."""


@attrs.frozen(eq=False, repr=False)
class Plan:
    """How one query is read: its plan, its whole order, and the rows asked for at once.

    `by_key` says that what follows a page is asked for by its last key, `cuts` that ranges of keys can be cut.
    """

    name: PlanName
    query: Query
    size: int
    by_key: bool
    cuts: bool


def plan_of(
    table: Table,
    query: Query,
    *,
    usual: int,
    size: int | None = None,
    wanted: PlanName | None = None,
) -> Plan:
    """Choose the plan of a query, or take the *wanted* one; raise `QueryError` where it cannot be read so."""
    ordered = parts.with_total_order(table, query)
    asked = _page_size(table, ordered, size or usual, exact=size is not None)
    one, against = _is_one(table, ordered, asked), why_not_by_key(table, ordered)
    if wanted is not None:
        _check(table, ordered, wanted=wanted, one=one, against=against)
    elif not table.traits.numbers:
        wanted = "ranges" if against is None else "cursor"
    elif one:
        wanted = "one"
    elif against is None and (ordered.stop is None or ordered.stop > SHALLOW * asked):
        wanted = "ranges"
    else:
        wanted = "pages"
    by_key = wanted == "ranges" or (wanted == "one" and against is None and not ordered.sliced)
    if wanted == "pages":
        ordered = _carrying_order(table, ordered)
    return Plan(wanted, ordered, asked, by_key=by_key, cuts=can_cut(table, ordered))


def _carrying_order(table: Table, query: Query) -> Query:
    """Have rows carry what they are ordered by, which tells those that were handed out; light lists cannot."""
    names = [name.lstrip("-") for name in query.order]
    if not query.only or set(names) <= {*query.only, table.schema.pk}:
        return query
    carrying = attrs.evolve(query, only=tuple(dict.fromkeys((*query.only, *names))))
    paths = {table.select(each, size=1).path for each in (query, carrying)}
    return carrying if len(paths) == 1 else query


def check_name(name: Any) -> PlanName | None:
    """Refuse what names no plan."""
    if name is None or name in NAMES:
        known: PlanName | None = name
        return known
    hint = did_you_mean(name, NAMES) if isinstance(name, str) else ""
    raise QueryError(f"plan= takes {', '.join(map(repr, NAMES))}, got {describe(name)}{hint}")


def _page_size(table: Table, query: Query, size: int, *, exact: bool) -> int:
    if not exact and table.traits.numbers:
        size = page_size_for(query, size)
    elif not exact:
        # Each page of a chain waits for the one before: where nobody chose a size, the fewer the better.
        size = table.traits.largest_page or size if size == USUAL_PAGE else size
        size = min(size, query.stop or size)
    return size if table.traits.largest_page is None else min(size, table.traits.largest_page)


def page_size_for(query: Query, usual: int) -> int:
    """Choose a page size that holds the whole slice in one page, if one up to the usual size does."""
    if query.stop is None:
        return usual
    for size in range(max(query.stop - query.start, 1), usual + 1):
        if query.start // size == (query.stop - 1) // size:
            return size
    return usual


def _is_one(table: Table, query: Query, size: int) -> bool:
    """Whether one page surely holds all there is."""
    if query.stop is not None:
        return query.start // size == (query.stop - 1) // size
    keys = [len(each.value) for each in query.where if _names_keys(table, each, In)]
    single = any(_names_keys(table, each, Exact) for each in query.where)
    return not query.start and (single or (bool(keys) and min(keys) <= size))


def _names_keys(table: Table, condition: Condition, lookup: Any) -> bool:
    return condition.name == table.schema.pk and condition.lookup is lookup


def why_not_by_key(table: Table, query: Query) -> str | None:
    """Say why what follows a row cannot be asked for by its key; None where it can."""
    pk, name = table.schema.pk, table.schema.entity
    if not parts.by_key(table, query):
        return f"the order of the query is {','.join(query.order)}; order_by({pk!r}) or its reverse allows it"
    lead = Lt if query.order[0].startswith("-") else Gt
    if not isinstance(table.schema.key, Key) or not table.accepts(pk, lead):
        return f"the backend has no {pk}__gt and {pk}__lt for {name}"
    if query.start:
        return "a slice that does not start at the first row counts rows"
    if table.overridden(query, lead):
        return "its raw parameters choose keys or the order"
    return None


def can_cut(table: Table, query: Query) -> bool:
    """Whether ranges of keys can be asked for."""
    both = isinstance(table.schema.key, Key) and all(
        table.accepts(table.schema.pk, lookup) for lookup in (Gt, Lt)
    )
    return both and not table.overridden(query, Gt, Lt)


def _check(table: Table, query: Query, *, wanted: PlanName, one: bool, against: str | None) -> None:
    name, why = table.schema.entity, None
    if wanted == "ranges":
        why = against
    elif wanted == "one" and not one:
        why = "it may have more rows than one page holds; take a slice, or name the keys"
    elif wanted != "cursor" and not table.traits.numbers:
        why = f"API {table.api} names no pages by number"
    elif wanted == "cursor":
        why = _why_no_cursor(table, query)
    if why is not None:
        raise QueryError(f"this {name} query cannot be read with plan={wanted!r}: {why}. Nothing was sent")


def _why_no_cursor(table: Table, query: Query) -> str | None:
    if not table.traits.cursors:
        return f"the backend has no cursors for {table.schema.entity}"
    if not table.traits.numbers:
        return None  # every list is read so
    if not parts.by_key(table, query):
        return f"cursors need an order in which no two rows share a place; order_by({table.schema.pk!r}) gives one"
    if query.start:
        return "a cursor starts at the first row"
    if table.overridden(query):
        return "its raw parameters choose the order"
    return None
