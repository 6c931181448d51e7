"""Rows that were made since others, or since a moment: by the order of keys, or as far as clocks tell."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from synapse.errors import MappingError, NotFoundError
from synapse.orm import loading
from synapse.orm.record import objects_of, peek, schema_of, table_of
from synapse.query import Exact, Gt, Query

if TYPE_CHECKING:
    from synapse.dialects import Place, Table
    from synapse.orm.record import Record
    from synapse.orm.unconfirmed import Moment
    from synapse.session import Session

E = TypeVar("E", bound="Record")

SLACK: Final = 2.0  # answers carry whole seconds
# So far the clock of what answers may be from that of what makes the rows, and one machine's from another's.
HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
PAGE: Final = 100
LARGE_PAGE: Final = 1_000
MOST: Final = 2_000


@attrs.frozen(eq=False, repr=False)
class Newest(Generic[E]):
    """The newest rows, each with what the backend sent: those surely made since a moment, and those perhaps.

    Without a date (`dated` is False) they may be older as well; `whole` says that there are no others.
    """

    rows: list[tuple[E, dict[str, Any]]]
    perhaps: list[tuple[E, dict[str, Any]]]
    dated: bool
    whole: bool


@attrs.frozen(eq=False, repr=False)
class _Page(Generic[E]):
    """One page, newest first; `whole` says that no row was passed over up to its end."""

    rows: list[tuple[E, dict[str, Any]]]
    whole: bool
    date: float | None


def made_since(
    cls: type[E],
    since: Moment,
    *,
    session: Session,
    lookups: Mapping[str, Any] | None = None,
) -> Newest[E]:
    """Read what was made since a moment, of the newest rows as many as are read at most."""
    found: dict[Any, tuple[E, dict[str, Any]]] = {}
    perhaps: dict[Any, tuple[E, dict[str, Any]]] = {}
    table = table_of(cls, session)
    order = [f"-{name}" for name in table.orders[:1]]
    query = objects_of(cls).using(session).filter(**(lookups or {})).order_by(*order).query
    dated, whole, left = True, True, MOST // PAGE
    for page in _pages(cls, query, session=session, size=PAGE):
        surely, at_least = _starts(since, page.date)
        dated = dated and surely is not None and all(_moment(row) is not None for row, _ in page.rows)
        whole, left = page.whole, left - 1
        # A backend that ignores the order may show what is new on any page.
        ordered = _descends(table, page.rows)
        rows = _before_known(page.rows, since, session) if ordered else page.rows
        younger = [each for each in rows if _made_after(each[0], at_least)]
        perhaps |= {row.pk: (row, raw) for row, raw in younger}
        found |= {row.pk: (row, raw) for row, raw in younger if _made_after(row, surely)}
        if ordered and len(younger) < len(page.rows):
            break
        if not left:
            whole = False
            break
    unsure = [each for key, each in perhaps.items() if key not in found]
    return Newest(list(found.values()), unsure, dated, whole)


def _pages(cls: type[E], query: Query, *, session: Session, size: int) -> Iterator[_Page[E]]:
    """Read page after page of a list whose newest rows come first."""
    table = table_of(cls, session)
    at: Place | None = None
    whole, count, is_last = True, 0, False
    while not is_last:
        request = table.select(query, at=at, size=size)
        try:
            reply = session.send(request)
        except NotFoundError:
            if at is None:
                raise
            # There were more when the page before was read: rows are gone, and others have moved back over its border.
            yield _Page([], False, 0.0)
            return
        page = table.found(reply, request)
        rows = [each for row in page.rows if (each := _loaded(cls, row, session)) is not None]
        # What is made meanwhile moves rows on to the next page; what is deleted, back over those that were read.
        moved = page.count is not None and page.count < count
        whole = whole and not moved and len(rows) == len(page.rows)
        count, at = page.count or 0, page.next
        yield _Page(rows, whole, _date(reply.headers))
        is_last = at is None


def _starts(since: Moment, date: float | None) -> tuple[float | None, float | None]:
    """Give where the time since a moment starts on the backend's clock: surely, and at the earliest."""
    if date is None:
        return None, None
    least, most = since.ago()
    return date - least - SLACK, date - most - (DAY if since.travelled else HOUR)


def _before_known(
    rows: list[tuple[E, dict[str, Any]]], since: Moment, session: Session
) -> list[tuple[E, dict[str, Any]]]:
    """Leave out what is no younger than a row that this session had made by then: no clock is needed for that."""
    at = since.ticks
    if at is None:
        return rows  # what this session made says nothing of the process that sent
    return list(
        takewhile(lambda each: not session.had_made(schema_of(each[0]).resource, each[0].pk, at=at), rows)
    )


def _made_after(row: Record, start: float | None) -> bool:
    return start is None or (_moment(row) or start) >= start


def _loaded(cls: type[E], row: Any, session: Session) -> tuple[E, dict[str, Any]] | None:
    # One bad row must not hide the others; the page counts it as passed over.
    try:
        return loading.load(cls, row, session=session), row
    except MappingError:
        return None


def _date(headers: Mapping[str, str]) -> float | None:
    """Give the time on the backend's clock; None where an answer does not say."""
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(headers["Date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return None


def _moment(row: Record) -> float | None:
    made = peek(row, "created", default=None) if "created" in schema_of(row).fields else None
    return made.timestamp() if made else None


def _descends(table: Table, rows: list[Any]) -> bool:
    """Whether rows really come newest first: a backend that ignores the order shows old ones, and hides the rest."""
    if not table.orders:
        return False
    if table.orders[0] == table.schema.pk:
        keys = [row.pk for row, _ in rows]
    else:
        keys = [_moment(row) or 0.0 for row, _ in rows]
    return keys == sorted(keys, reverse=True)


# --- by the order of keys ----------------------------------------------------
def highest_key(cls: type[Record], session: Session) -> int | None:
    """Give the highest key that the backend has, 0 without rows; None where keys are in no order."""
    table, pk = table_of(cls, session), schema_of(cls).pk
    if pk not in table.orders:
        return None
    request = table.select(Query(order=(f"-{pk}",), only=(pk,)), size=2)
    rows = table.found(session.send(request), request).rows
    found = [table.normalise(row).get(table.pk) for row in rows]
    keys = [key for key in found if type(key) is int]
    # Two rows show whether the order is honoured; keys that are texts, or in no order, tell nothing about age.
    if len(keys) < len(rows) or keys != sorted(keys, reverse=True):
        return None
    return max(keys, default=0)


def rows_above(
    cls: type[E], sent: Collection[Mapping[str, Any]], *, session: Session, after: int
) -> tuple[list[E], bool]:
    """Read the rows above a key, of the parents that all the values name if they name the same.

    The flag says whether all of them were surely read.
    """
    table, pk = table_of(cls, session), schema_of(cls).pk
    shared = shared_links(table, sent)
    if after and table.accepts(pk, Gt):
        shared[f"{pk}__gt"] = after
    query = objects_of(cls).using(session).filter(**shared).order_by(f"-{pk}").query
    younger: dict[Any, E] = {}
    last, whole = None, True
    for page in _pages(cls, query, session=session, size=LARGE_PAGE):
        whole = page.whole
        for row, _ in page.rows:
            if row.pk in younger:
                continue  # what was made meanwhile has moved it on to this page
            if last is not None and row.pk > last:
                # A backend that ignores the order may hide younger ones behind the older.
                return list(younger.values()), False
            if last is not None and last <= after:
                return list(younger.values()), whole
            last = row.pk
            if last > after:
                younger[last] = row
    return list(younger.values()), whole


def shared_links(table: Table, sent: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the links that rows have in common and that can be filtered by."""
    links: dict[str, Any] = {}
    for relation, via in table.schema.relations.items():
        # A list that is narrowed to the parent has fewer rows of others to read through.
        keys = {values.get(via) for values in sent}
        if len(keys) == 1 and None not in keys and table.accepts(relation, Exact):
            links[relation] = keys.pop()
    return links
