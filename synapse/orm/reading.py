"""From a query to the pages that hold its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.dialects import Page, Request
from synapse.errors import NotFoundError, QueryError, TransportError
from synapse.query import Condition, In, Query

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session

EMPTY_PAGES: Final = 3


@attrs.frozen
class Window:
    """Consecutive rows of a result; `first` is the place of the first one."""

    first: int
    rows: list[Any]


def totally_ordered(cls: type[Entity], query: Query) -> Query:
    """Add the key as the last order, so that pages neither repeat nor skip rows."""
    pk = cls._schema.pk
    if pk not in cls._catalog.order_by or any(name.lstrip("-") == pk for name in query.order):
        return query
    sign = "-" if query.order and query.order[-1].startswith("-") else ""
    return attrs.evolve(query, order=(*query.order, f"{sign}{pk}"))


def page_size_for(query: Query, usual: int) -> int:
    """Choose a page size that holds the whole slice in one page, if one up to the usual size does."""
    if query.stop is None:
        return usual
    for size in range(max(query.stop - query.start, 1), usual + 1):
        if query.start // size == (query.stop - 1) // size:
            return size
    return usual


def windows(
    cls: type[Entity], query: Query, *, session: Session, size: int | None = None
) -> Iterator[Window]:
    """Read a query's rows in order, page by page."""
    if query.empty:
        return
    if not session.dialect.fits(cls._schema, query):
        yield from _in_parts(cls, query, session)
        return
    offset, previous = query.start, set[Any]()
    for page, number_of_first in _numbered(cls, totally_ordered(cls, query), session, size):
        rows = page.rows[max(offset - number_of_first, 0) :]
        offset = number_of_first + len(page.rows)
        if query.stop is not None:
            rows = rows[: max(query.stop - (offset - len(rows)), 0)]
        keys = {_key(cls, row, session) for row in rows}
        fresh = [row for row in rows if _key(cls, row, session) not in previous] if keys & previous else rows
        previous = keys
        if fresh:
            yield Window(offset - len(rows), fresh)


def pages(cls: type[Entity], query: Query, *, session: Session) -> Iterator[Window]:
    """Read a query's rows without caring for their places."""
    return windows(cls, query, session=session)


def _numbered(
    cls: type[Entity], query: Query, session: Session, size: int | None
) -> Iterator[tuple[Page, int]]:
    """Walk page numbers from the one that holds `query.start`, whatever page size the backend really gives."""
    asked = actual = size or page_size_for(query, session.page_size)
    number, empty, settled = query.start // actual + 1, 0, False
    while True:
        try:
            page = fetch_page(session.dialect.select(cls._schema, query, page=number, size=asked), session)
        except NotFoundError:
            if number == 1:
                raise
            return
        if not settled:
            settled, actual = True, _real_size(page, number, asked=actual)
            if number != query.start // actual + 1:
                number = query.start // actual + 1
                continue
        first = (number - 1) * actual
        yield page, first
        empty = 0 if page.rows else empty + 1
        if not page.next or (query.stop is not None and first + actual >= query.stop):
            return
        if empty > EMPTY_PAGES:
            raise TransportError(
                f"GET {cls._schema.resource}: {empty} empty pages in a row, each naming a next one"
            )
        number += 1


def _real_size(page: Page, number: int, *, asked: int) -> int:
    """Tell how large the backend's pages are: it may cap what was asked for, and page numbers then count its own."""
    if not page.rows:
        return asked
    if page.next:
        return len(page.rows)
    if number > 1 and page.count is not None:
        # The last page ends with the last row.
        return min((page.count - len(page.rows)) // (number - 1), asked) or asked
    return asked


def fetch_page(request: Request, session: Session) -> Page:
    """Read one page, refusing a `next` link that leads to another host."""
    page = session.dialect.page(session.send(request), request)
    if page.next:
        session.check_link(page.next)
    return page


def _key(cls: type[Entity], row: Any, session: Session) -> Any:
    wire = session.dialect.names(cls._schema)[cls._schema.pk]
    key = row.get(wire) if isinstance(row, dict) else None
    return key if isinstance(key, int | str) else id(row)


# --- filters that are too long for one URL -----------------------------------
def parts(cls: type[Entity], query: Query, *, fits: Callable[[Query], bool]) -> list[Query]:
    """Split the longest list of a query until each part fits into one URL."""
    if fits(query):
        return [query]
    lists = [each for each in query.where if each.lookup is In and len(each.value) > 1]
    if not lists:
        raise QueryError(
            f"the filters of this {cls.__name__} query are too long for one URL and cannot be split; "
            "exclude fewer keys, or drop the rows while iterating"
        )
    longest = max(lists, key=lambda each: len(each.value))
    values, rest = longest.value, tuple(each for each in query.where if each is not longest)
    middle = len(values) // 2
    halves = (Condition(longest.name, In, values[:middle]), Condition(longest.name, In, values[middle:]))
    return [
        part for half in halves for part in parts(cls, attrs.evolve(query, where=(*rest, half)), fits=fits)
    ]


def whole_parts(cls: type[Entity], query: Query, *, fits: Callable[[Query], bool]) -> list[Query]:
    """Split a query into parts that are read whole and carry what their rows are ordered by."""
    ordered = totally_ordered(cls, attrs.evolve(query, start=0, stop=None))
    if ordered.only:
        ordered = attrs.evolve(ordered, only=tuple(dict.fromkeys((*ordered.only, *(_bare(ordered))))))
    return parts(cls, ordered, fits=fits)


def _in_parts(cls: type[Entity], query: Query, session: Session) -> Iterator[Window]:
    """Read the parts of a split query, bring their rows into one order, and cut the slice out of that."""
    ordered = totally_ordered(cls, query)
    rows: dict[Any, Any] = {}
    for part in whole_parts(cls, query, fits=lambda each: session.dialect.fits(cls._schema, each)):
        for window in windows(cls, part, session=session):
            rows.update((_key(cls, row, session), row) for row in window.rows)
    merged = list(rows.values())
    names = session.dialect.names(cls._schema)
    for name in reversed(ordered.order):
        load, wire = cls._schema.fields[name.lstrip("-")].codec.load, names[name.lstrip("-")]
        merged.sort(key=lambda row, load=load, wire=wire: load(row[wire]), reverse=name.startswith("-"))  # type: ignore[misc]
    yield Window(query.start, merged[query.start : query.stop])


def _bare(query: Query) -> list[str]:
    return [name.lstrip("-") for name in query.order]


def count(cls: type[Entity], query: Query, *, session: Session) -> int:
    """Count a query's rows with one request, or one for each part of filters that are too long."""
    if query.empty:
        return 0
    whole = attrs.evolve(query, start=0, stop=None, expand=(), only=(cls._schema.pk,), defer=(), order=())
    if session.dialect.fits(cls._schema, whole):
        total = fetch_page(session.dialect.select(cls._schema, whole, page=1, size=1), session).count
        if total is None:
            total = sum(len(window.rows) for window in windows(cls, whole, session=session))
    else:
        total = sum(len(window.rows) for window in windows(cls, whole, session=session))
    stop = total if query.stop is None else min(query.stop, total)
    return max(stop - query.start, 0)
