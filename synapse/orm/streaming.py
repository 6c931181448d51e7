"""Rows of a query as a stream: begun, gone on with, split between workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from synapse.orm import bulk, checkpoint, fetching, loading, planning, reading, shards
from synapse.orm.pages import Window
from synapse.orm.planning import PlanName
from synapse.orm.reading import How
from synapse.orm.rows import Rows
from synapse.query import Query

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet
    from synapse.session import Session

E = TypeVar("E", bound="Entity")
Q = TypeVar("Q", bound="QuerySet[Any]")


def start(
    queryset: QuerySet[E], *, page_size: int | None, workers: int | None, plan: PlanName | None
) -> Rows[E]:
    """Stream from the first row on."""
    _check(page_size, workers)
    return _stream(queryset, How(page_size, workers, planning.check_name(plan)))


def resume(queryset: QuerySet[E], kept: object, *, page_size: int | None, workers: int | None) -> Rows[E]:
    """Stream from a checkpoint on."""
    _check(page_size, workers)
    what = f"this {queryset.entity.__name__} query"
    stamped = checkpoint.stamp(queryset.entity.__name__, queryset.query, host=queryset.session.host)
    plan, state = checkpoint.read(kept, stamped, what=what)
    return _stream(queryset, How(page_size, workers, plan if plan in planning.NAMES[:3] else None, state))


def split(queryset: Q, number: int) -> list[Q]:
    """Split into queries that hold the same rows together."""
    bulk.check_size("shards(number)", number)
    queries = shards.split(queryset.entity, queryset.query, number=number, session=queryset.session)
    return [queryset._replace(query) for query in queries]


def loader(cls: type[E], query: Query, *, session: Session) -> Callable[[Window], list[E]]:
    """Give what turns rows as they came into objects, with what is prefetched for them."""

    def load(window: Window) -> list[E]:
        page = loading.load_page(cls, window.rows, session=session, first=window.first, query=query)
        for path in query.prefetch:
            fetching.prefetch(page, path)
        return page

    return load


def _stream(queryset: QuerySet[E], how: How) -> Rows[E]:
    cls, session, query = queryset.entity, queryset.session, queryset._fetched_query()
    return Rows(
        reading.read(cls, query, session=session, how=how),
        loader(cls, query, session=session),
        stamp=checkpoint.stamp(cls.__name__, queryset.query, host=session.host),
        state=how.state,
    )


def _check(page_size: int | None, workers: int | None) -> None:
    for name, value in (("page_size", page_size), ("workers", workers)):
        if value is not None:
            bulk.check_size(name, value)
