"""Rows of a query as a stream: begun, gone on with, split between workers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, cast

from synapse.errors import MappingError, QueryError, describe
from synapse.orm import bulk, fetching, loading
from synapse.orm.registry import table_of
from synapse.query import Query
from synapse.reading import checkpoint, shards
from synapse.reading.plan import NAMES, PlanName, check_name
from synapse.reading.read import How, read
from synapse.reading.route import Window
from synapse.reading.rows import OnBadRow, Rows

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet
    from synapse.session import Session

E = TypeVar("E", bound="Entity")
Q = TypeVar("Q", bound="QuerySet[Any]")


def start(
    queryset: QuerySet[E],
    *,
    page_size: int | None,
    workers: int | None,
    plan: PlanName | None,
    on_bad_row: OnBadRow,
) -> Rows[E]:
    """Stream from the first row on."""
    _check("iterator", page_size, workers, on_bad_row)
    return _stream(queryset, How(page_size, workers, check_name(plan)), on_bad_row)


def resume(
    queryset: QuerySet[E],
    kept: object,
    *,
    page_size: int | None,
    workers: int | None,
    on_bad_row: OnBadRow,
) -> Rows[E]:
    """Stream from a checkpoint on."""
    _check("resume", page_size, workers, on_bad_row)
    what = f"this {queryset.entity.__name__} query"
    stamped = checkpoint.stamp(
        queryset.entity._schema.entity, queryset.query, backend=queryset.session.backend
    )
    plan, state = checkpoint.read(kept, stamped, what=what)
    how = How(page_size, workers, plan if plan in NAMES[:3] else None, state)
    return _stream(queryset, how, on_bad_row)


def split(queryset: Q, number: int) -> list[Q]:
    """Split into queries that hold the same rows together."""
    bulk.check_size("shards(number)", number)
    session = queryset.session
    queries = shards.split(table_of(queryset.entity, session), queryset.query, number=number, session=session)
    made = [queryset._replace(query) for query in queries]
    for each in made:
        each._made_for = session.backend
    return made


def loader(
    cls: type[E], query: Query, *, session: Session, skip: bool = False, owner: fetching.Owner | None = None
) -> Callable[[Window], list[E | MappingError]]:
    """Give what turns rows as they came into objects, with what is prefetched for them.

    In the place of a bad row is its error. With *skip*, what is wrong with related rows is left to whoever reads them.
    """

    def load(window: Window) -> list[E | MappingError]:
        bad: dict[int, MappingError] = {}
        page = loading.load_page(cls, window.rows, session=session, first=window.first, query=query, bad=bad)
        if owner is not None:
            fetching.know(page, owner, session=session)
        for path in query.prefetch:
            try:
                fetching.prefetch(page, path)
            except MappingError:
                if not skip:
                    raise
        if not bad:
            return cast("list[E | MappingError]", page)
        good = iter(page)
        return [bad[place] if place in bad else next(good) for place in range(len(window.rows))]

    return load


def pages(loaded: Iterable[list[E | MappingError]]) -> Iterator[list[E]]:
    """Give pages of rows; one that holds a bad row ends before it, and the row's error comes next."""
    for page in loaded:
        place = list(map(type, page)).index(MappingError) if MappingError in map(type, page) else None
        yield cast("list[E]", page[:place])
        if place is not None:
            raise cast("MappingError", page[place])


def _stream(queryset: QuerySet[E], how: How, on_bad_row: OnBadRow) -> Rows[E]:
    cls, session, query = queryset.entity, queryset.session, queryset._fetched_query()
    return Rows(
        read(table_of(cls, session), query, session=session, how=how),
        loader(cls, query, session=session, skip=on_bad_row == "skip", owner=queryset._owner),
        stamp=checkpoint.stamp(cls._schema.entity, queryset.query, backend=session.backend),
        state=how.state,
        skip=on_bad_row == "skip",
    )


def _check(verb: str, page_size: int | None, workers: int | None, on_bad_row: object) -> None:
    if on_bad_row not in ("raise", "skip"):
        raise QueryError(f"{verb}(on_bad_row=...) takes 'raise' or 'skip', got {describe(on_bad_row)}")
    for name, value in (("page_size", page_size), ("workers", workers)):
        if value is not None:
            bulk.check_size(name, value)
