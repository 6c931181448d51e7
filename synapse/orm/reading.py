"""From a query to the pages that hold its rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from synapse.dialects import Page, Request
from synapse.errors import TransportError
from synapse.orm import keywalk, parts
from synapse.orm.pages import Passed, Window, check_empty, fetch_page, key_of, page_after
from synapse.query import Query

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session


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
        return iter(())
    if not session.dialect.fits(cls._schema, query):
        return _in_parts(cls, query, session, size)
    ordered = parts.totally_ordered(cls, query)
    lead = keywalk.onward(cls, ordered, dialect=session.dialect)
    if lead is not None:
        return keywalk.walk(cls, ordered, session=session, size=size or session.page_size, lead=lead)
    return _by_number(cls, ordered, session, size)


# --- by number ----------------------------------------------------------------
def _by_number(cls: type[Entity], query: Query, session: Session, size: int | None) -> Iterator[Window]:
    """Read numbered pages, cut the slice out of them, and give rows once that moved on by a page."""
    offset, previous = query.start, set[Any]()
    for page, number_of_first in _numbered(cls, query, session, size):
        rows = page.rows[max(offset - number_of_first, 0) :]
        offset = number_of_first + len(page.rows)
        if query.stop is not None:
            rows = rows[: max(query.stop - (offset - len(rows)), 0)]
        keys = [key_of(cls, row, session=session) for row in rows]
        fresh = [row for row, key in zip(rows, keys, strict=True) if key is None or key not in previous]
        previous = set(keys)
        if fresh:
            yield Window(offset - len(rows), fresh)


def _numbered(
    cls: type[Entity], query: Query, session: Session, size: int | None
) -> Iterator[tuple[Page, int]]:
    """Walk page numbers from the one that holds `query.start`, whatever page size the backend really gives."""
    asked = actual = size or page_size_for(query, session.page_size)
    number, empty, settled = query.start // actual + 1, 0, False
    before: Passed | None = None
    while True:
        request = session.dialect.select(cls._schema, query, page=number, size=asked)
        page = page_after(before, request, session=session, number=number)
        if page is None:
            return
        if not settled:
            settled, actual = True, _real_size(page, number, asked=actual)
            if number != query.start // actual + 1:
                number = query.start // actual + 1
                continue
        if before is not None:
            _check_progress(cls, page, before, request=request, session=session)
        first = (number - 1) * actual
        yield page, first
        empty = 0 if page.rows else empty + 1
        if not page.next or (query.stop is not None and first + actual >= query.stop):
            return
        check_empty(request, empty)
        number, before = number + 1, Passed(page, first, actual)


def _check_progress(
    cls: type[Entity], page: Page, before: Passed, *, request: Request, session: Session
) -> None:
    """Refuse a full page of which every row was on the page before: the backend may give it for ever."""
    if not page.next or len(page.rows) < before.size:
        return
    keys = {key_of(cls, row, session=session) for row in page.rows}
    if None not in keys and keys <= {key_of(cls, row, session=session) for row in before.page.rows}:
        raise TransportError(
            f"{request.method} {request.target}: this page holds only rows of the page before, and names a next one; "
            "the backend seems to ignore the page's number",
            method=request.method,
            url=request.target,
        )


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


# --- filters that are too long for one URL -----------------------------------
def _split(cls: type[Entity], query: Query, session: Session) -> list[Query]:
    return parts.whole_parts(cls, query, fits=lambda each: session.dialect.fits(cls._schema, each))


def _in_parts(cls: type[Entity], query: Query, session: Session, size: int | None) -> Iterator[Window]:
    split = _split(cls, query, session)
    if parts.in_sequence(cls, split):
        return _in_sequence(cls, query, split, session=session, size=size)
    return _merged(cls, query, split, session=session, size=size)


def _in_sequence(
    cls: type[Entity], query: Query, split: list[Query], *, session: Session, size: int | None
) -> Iterator[Window]:
    """Read one part after the other, no further than the slice goes."""
    place = 0
    for part in split:
        left = None if query.stop is None else query.stop - place
        for window in windows(cls, attrs.evolve(part, stop=left), session=session, size=size):
            rows = window.rows[max(query.start - place, 0) :]
            place += len(window.rows)
            if rows:
                yield Window(place - len(rows), rows)
        if query.stop is not None and place >= query.stop:
            return


def _merged(
    cls: type[Entity], query: Query, split: list[Query], *, session: Session, size: int | None
) -> Iterator[Window]:
    """Bring the rows of all parts into one order, and cut the slice out of that."""
    found: dict[Any, Any] = {}
    for part in split:
        for window in windows(cls, part, session=session, size=size):
            found.update((key_of(cls, row, session=session) or id(row), row) for row in window.rows)
    rows, names = list(found.values()), session.dialect.names(cls._schema)
    for name in reversed(split[0].order):
        field = name.lstrip("-")
        rows.sort(key=partial(_place, cls, field, names[field]), reverse=name.startswith("-"))
    yield Window(query.start, rows[query.start : query.stop])


def _place(cls: type[Entity], field: str, wire: str, row: Any) -> tuple[bool, Any]:
    return parts.place_of(cls, row, field=field, wire=wire)


def count(cls: type[Entity], query: Query, *, session: Session) -> int:
    """Count a query's rows with one request, or one for each part of filters that are too long."""
    if query.empty:
        return 0
    whole = attrs.evolve(query, start=0, stop=None, expand=(), only=(cls._schema.pk,), defer=(), order=())
    split = [whole]
    if not session.dialect.fits(cls._schema, whole):
        split = _split(cls, whole, session)
    if parts.disjoint(cls, split):
        total = sum(_counted(cls, attrs.evolve(part, order=()), session) for part in split)
    else:
        total = sum(len(window.rows) for window in _merged(cls, whole, split, session=session, size=None))
    stop = total if query.stop is None else min(query.stop, total)
    return max(stop - query.start, 0)


def _counted(cls: type[Entity], query: Query, session: Session) -> int:
    total = fetch_page(session.dialect.select(cls._schema, query, page=1, size=1), session).count
    if total is None:
        return sum(len(window.rows) for window in windows(cls, query, session=session))
    return total
