"""What was made since a moment of this machine's clock, whatever the backend's own clock shows."""

from __future__ import annotations

import time

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from synapse.errors import MappingError, NotFoundError
from synapse.orm import loading

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session

E = TypeVar("E", bound="Entity")

SLACK: Final = 2.0  # answers carry whole seconds
PAGE: Final = 100
MOST: Final = 2_000


@attrs.frozen
class Newest(Generic[E]):
    """Rows made since a moment, the newest first, each with what the backend sent.

    Without a date (`dated` is False) they may be older as well; `whole` says that there are no others.
    """

    rows: list[tuple[E, dict[str, Any]]]
    dated: bool
    whole: bool


@attrs.frozen
class _Page(Generic[E]):
    """One page: its rows, where time starts on the backend's clock, whether more follow, how many cannot be read."""

    rows: list[tuple[E, dict[str, Any]]]
    start: float | None
    more: bool = attrs.field(default=False, kw_only=True)
    unread: int = attrs.field(default=0, kw_only=True)


def made_since(
    cls: type[E],
    since: float,
    *,
    session: Session,
    lookups: Mapping[str, Any] | None = None,
) -> Newest[E]:
    """Read what was made since *since* (seconds of `time.time()`), of the newest rows as many as are read at most."""
    found: dict[Any, tuple[E, dict[str, Any]]] = {}
    dated, unread = True, 0
    for number in range(1, MOST // PAGE + 1):
        page = _page(cls, number, session=session, lookups=lookups or {}, since=since)
        rows, start = page.rows, page.start
        unread += page.unread
        dated = dated and start is not None and all(_moment(row) is not None for row, _ in rows)
        fresh = [each for each in rows if start is None or (_moment(each[0]) or start) >= start]
        # What is made meanwhile moves rows on to the next page.
        found |= {row.pk: (row, raw) for row, raw in fresh}
        if not page.more or (len(fresh) < len(rows) and _descends(cls, rows)):
            return Newest(list(found.values()), dated, whole=not unread)
    return Newest(list(found.values()), dated, whole=False)


def _page(
    cls: type[E], number: int, *, session: Session, lookups: Mapping[str, Any], since: float
) -> _Page[E]:
    dialect, schema = session.dialect, cls._schema
    query = cls.objects.using(session).filter(**lookups).order_by(f"-{cls._catalog.order_by[0]}").query
    request = dialect.select(schema, query, page=number, size=PAGE)
    try:
        reply = session.send(request)
    except NotFoundError:
        if number == 1:
            raise
        return _Page([], since)  # there were more when the page before was read
    page = dialect.page(reply, request)
    rows = [each for row in page.rows if (each := _loaded(cls, row, session)) is not None]
    ahead = _ahead(reply.headers)
    start = None if ahead is None else since + ahead - SLACK
    return _Page(rows, start, more=page.next is not None, unread=len(page.rows) - len(rows))


def _loaded(cls: type[E], row: Any, session: Session) -> tuple[E, dict[str, Any]] | None:
    try:
        return loading.load(cls, row, session=session), row
    except MappingError:
        return None  # the others may tell all the same


def _ahead(headers: Mapping[str, str]) -> float | None:
    """How far the backend's clock is ahead of this one, in seconds; None where an answer does not say."""
    try:
        return parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
    except (KeyError, TypeError, ValueError):
        return None


def _moment(row: Entity) -> float | None:
    made = loading.peek(row, "created", default=None) if "created" in row._schema.fields else None
    return made.timestamp() if made else None


def _descends(cls: type[Entity], rows: list[Any]) -> bool:
    """Whether rows really come newest first: a backend that ignores the order shows old ones, and hides the rest."""
    if cls._catalog.order_by[0] == cls._schema.pk:
        keys = [row.pk for row, _ in rows]
    else:
        keys = [_moment(row) or 0.0 for row, _ in rows]
    return keys == sorted(keys, reverse=True)
