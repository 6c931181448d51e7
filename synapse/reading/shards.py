"""Splitting a query between workers: ranges of keys that hold about as many rows, or runs of pages."""

from __future__ import annotations

import math

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.dialects import Found, homes
from synapse.errors import QueryError, UnsupportedError, describe
from synapse.query import Condition, Gt, In, Lt, Query
from synapse.query.kinds import Key
from synapse.reading import parts
from synapse.reading.plan import can_cut
from synapse.reading.read import count_rows
from synapse.reading.route import fetch

if TYPE_CHECKING:
    from synapse.dialects import Table
    from synapse.session import Session

FINER: Final = 4
"""So many ranges are counted for each shard."""

MOST: Final = 10_000
"""Shards of one query."""

ROUNDS: Final = 6
"""So often those that hold more than a shard should are counted in finer ones."""


def split(table: Table, query: Query, *, number: int, session: Session) -> list[Query]:
    """Give queries that hold the rows of one together, each row once, in the order that the rows have."""
    if number > MOST:
        raise QueryError(f"shards(number) takes {MOST} at most, got {describe(number)}; nothing was sent")
    if query.empty or number == 1:
        return [query, *[attrs.evolve(query, empty=True)] * (number - 1)]
    listed = next((each for each in query.where if each.name == table.schema.pk and each.lookup is In), None)
    if not table.traits.counts and (listed is None or query.sliced):
        raise UnsupportedError(
            f"{table.schema.entity}.shards(): API {table.api} counts nothing, and shards are cut by counts; a list of "
            f"keys needs none{homes.elsewhere(table, lambda other: other.traits.counts)}. Nothing was sent"
        )
    ordered = parts.with_total_order(table, query)
    if listed is not None and not query.sliced:
        return _by_list(table, query, listed, number)
    if not query.sliced and table.fits(query) and _has_ranges(table, ordered):
        return _by_range(table, query, number, session=session)
    return _by_place(table, query, number, session=session)


def _has_ranges(table: Table, query: Query) -> bool:
    by_key = attrs.evolve(query, order=(table.schema.pk,))
    return can_cut(table, by_key)


def _by_list(table: Table, query: Query, listed: Condition, number: int) -> list[Query]:
    """Deal out a list of keys; nothing needs to be asked."""
    keys = sorted(listed.value) if isinstance(table.schema.key, Key) else list(listed.value)
    if _descends(table, query):
        keys.reverse()
    made = []
    for low, high in pairwise(len(keys) * part // number for part in range(number + 1)):
        if low == high:
            made.append(attrs.evolve(query, empty=True))
            continue
        some = attrs.evolve(listed, value=tuple(keys[low:high]))
        where = tuple(some if each is listed else each for each in query.where)
        made.append(attrs.evolve(query, where=where))
    return made


def _by_range(table: Table, query: Query, number: int, *, session: Session) -> list[Query]:
    """Cut between keys so that about as many rows lie in each range; the outer ones are open for rows to come."""
    pk = table.schema.pk
    low, high = (_end(table, query, order, session) for order in (pk, f"-{pk}"))
    if low is None or high is None:
        return [query, *[attrs.evolve(query, empty=True)] * (number - 1)]
    edges, counts = _weighed(table, query, _edges(low - 1, high, FINER * number), number, session=session)
    cuts = _balanced(edges, counts, number)
    made = [_between(table, query, after, until) for after, until in pairwise([None, *cuts, None])]
    made += [attrs.evolve(query, empty=True)] * (number - len(made))
    return made[::-1] if _descends(table, query) else made


def _descends(table: Table, query: Query) -> bool:
    ordered = parts.with_usual_order(table, query)
    return parts.by_key(table, ordered) and ordered.order[0].startswith("-")


def _end(table: Table, query: Query, order: str, session: Session) -> int | None:
    """Ask for the key at one end."""
    page = _bare_page(table, attrs.evolve(query, order=(order,)), session)
    keys = table.keys(page.rows[:1])
    return keys[0] if keys and isinstance(keys[0], int) else None


def _bare_page(table: Table, query: Query, session: Session) -> Found:
    bare = attrs.evolve(query, only=(table.schema.pk,), defer=(), expand=(), prefetch=())
    return fetch(table, table.select(bare, size=1), session=session).found


def _edges(after: int, until: int, number: int) -> list[int]:
    keys = until - after
    return sorted({after + keys * part // number for part in range(number + 1)})


def _weighed(
    table: Table, query: Query, edges: Sequence[int], number: int, *, session: Session
) -> tuple[list[int], list[int]]:
    """Give ranges by their edges and the rows of each, finer where many rows lie close together."""
    counts = _counts(table, query, list(pairwise(edges)), session=session)
    for _ in range(ROUNDS):
        most = sum(counts.values()) / number
        heavy = {ends for ends, count in counts.items() if count > most and ends[1] - ends[0] > 1}
        if not heavy:
            break
        finer = [ends for after, until in sorted(heavy) for ends in pairwise(_edges(after, until, 2 * FINER))]
        counts = {ends: count for ends, count in counts.items() if ends not in heavy}
        counts |= _counts(table, query, finer, session=session)
    ordered = sorted(counts)
    return [ordered[0][0], *(until for _, until in ordered)], [counts[ends] for ends in ordered]


def _counts(
    table: Table, query: Query, ranges: Sequence[tuple[int, int]], *, session: Session
) -> dict[tuple[int, int], int]:
    """Count the rows of each range, side by side."""

    def count(ends: tuple[int, int]) -> int:
        ranged = _between(table, query, *ends)
        return count_rows(table, ranged, session=session)

    return {each.item: each.value() for each in session.map(count, ranges)}


def _balanced(edges: Sequence[int], counts: Sequence[int], number: int) -> list[int]:
    """Choose the keys to cut behind; within a range its rows are taken to lie evenly.

    >>> _balanced([0, 10, 20], [30, 10], 4)
    [3, 6, 10]
    """
    sums = list(accumulate(counts, initial=0))
    cuts = []
    for part in range(1, number):
        wanted = sums[-1] * part / number
        place = next(index for index, total in enumerate(sums[1:]) if total >= wanted)
        share = (wanted - sums[place]) / counts[place] if counts[place] else 0.0
        cuts.append(edges[place] + int((edges[place + 1] - edges[place]) * share))
    return sorted(set(cuts))


def _between(table: Table, query: Query, after: int | None, until: int | None) -> Query:
    pk, where = table.schema.pk, query.where
    if after is not None:
        where = table.catalog.add(where, Condition(pk, Gt, after))
    if until is not None:
        where = table.catalog.add(where, Condition(pk, Lt, until + 1))
    return attrs.evolve(query, where=where)


def _by_place(table: Table, query: Query, number: int, *, session: Session) -> list[Query]:
    """Deal out runs of whole pages; the last one is open for rows to come."""
    size, total = session.page_size, count_rows(table, query, session=session)
    pages_each = math.ceil(total / number / size)
    each = max(pages_each, 1) * size
    made: list[Any] = [query.slice(each * part, each * (part + 1)) for part in range(number)]
    filled = min(max(math.ceil(total / each), 1), number)
    made[filled - 1] = query.slice(each * (filled - 1), None)
    return [*made[:filled], *[attrs.evolve(query, empty=True)] * (number - filled)]
