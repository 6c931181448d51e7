"""What was made since a moment of this machine's clock, whatever the backend's own clock shows."""

from __future__ import annotations

import time

from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from synapse.errors import NotFoundError
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


def made_since(
    cls: type[E],
    since: float,
    *,
    session: Session,
    lookups: Mapping[str, Any] | None = None,
) -> Newest[E]:
    """Read what was made since *since* (seconds of `time.time()`), of the newest rows as many as are read at most."""
    found: dict[Any, tuple[E, dict[str, Any]]] = {}
    dated = True
    for number in range(1, MOST // PAGE + 1):
        rows, start, more = _page(cls, number, session=session, lookups=lookups or {}, since=since)
        dated = dated and start is not None and all(_moment(row) is not None for row, _ in rows)
        fresh = [each for each in rows if start is None or (_moment(each[0]) or start) >= start]
        # What is made meanwhile moves rows on to the next page.
        found |= {row.pk: (row, raw) for row, raw in fresh}
        if not more or (len(fresh) < len(rows) and _descends(cls, rows)):
            return Newest(list(found.values()), dated, whole=True)
    return Newest(list(found.values()), dated, whole=False)


def _page(
    cls: type[E], number: int, *, session: Session, lookups: Mapping[str, Any], since: float
) -> tuple[list[tuple[E, dict[str, Any]]], float | None, bool]:
    """Give the rows of one page, the moment *since* on the backend's clock, and whether more follow."""
    dialect, schema = session.dialect, cls._schema
    query = cls.objects.using(session).filter(**lookups).order_by(f"-{cls._catalog.order_by[0]}").query
    request = dialect.select(schema, query, page=number, size=PAGE)
    try:
        reply = session.send(request)
    except NotFoundError:
        if number == 1:
            raise
        return [], since, False  # there were more when the page before was read
    page = dialect.page(reply, request)
    rows = [(loading.load(cls, row, session=session), row) for row in page.rows]
    ahead = _ahead(reply.headers)
    return rows, None if ahead is None else since + ahead - SLACK, page.next is not None


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
