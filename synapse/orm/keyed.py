"""The rows of many keys at once, in few requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import NotFoundError, SynapseError
from synapse.orm import parts
from synapse.orm.pages import fetch, took_too_long
from synapse.query import Condition, In, Query

if TYPE_CHECKING:
    from synapse.dialects import Place, Table
    from synapse.session import Session

MOST: Final = 250
"""Keys in one request: few enough for any URL, and for an answer in good time; several go side by side."""


def rows_of(
    table: Table, keys: Sequence[Any], *, session: Session, only: tuple[str, ...] = (), expand: str = ""
) -> Iterator[Any]:
    """Give the rows that have these keys, as they come; those that do not exist are left out."""
    queries = [
        part
        for some in _even(keys)
        for part in parts.whole_parts(
            table,
            Query(where=(_among(table, some),), only=only, expand=(expand,) if expand else ()),
            fits=table.fits,
        )
    ]
    for found in session.map(lambda query: list(_read(table, query, session)), queries):
        yield from found.value()


def _even(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Cut into parts of about the same length."""
    count = -(-len(keys) // MOST)
    bounds = [len(keys) * number // count for number in range(count + 1)]
    return [keys[low:high] for low, high in zip(bounds, bounds[1:], strict=False)]


def _among(table: Table, keys: Sequence[Any]) -> Condition:
    return Condition(table.schema.pk, In, tuple(keys))


def _read(table: Table, query: Query, session: Session) -> Iterator[Any]:
    """Read one list of keys, whatever the backend's page size; one that takes too long is asked for in halves."""
    keys = query.where[0].value
    try:
        yield from _pages(table, query, session)
    except SynapseError as error:
        if len(keys) == 1 or not took_too_long(error):
            raise
        for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            yield from _read(table, attrs.evolve(query, where=(_among(table, half),)), session)


def _pages(table: Table, query: Query, session: Session) -> Iterator[Any]:
    wanted = set(query.where[0].value)
    at: Place | None = None
    size = len(wanted)
    while wanted:
        try:
            page = fetch(table, table.select(query, at=at, size=size), session=session).page
        except NotFoundError:
            if at is None:
                raise
            return
        yield from page.rows
        found = wanted.intersection(table.keys(page.rows))
        if not page.next or not found:
            return
        wanted, at = wanted - found, page.next
