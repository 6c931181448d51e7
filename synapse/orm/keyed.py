"""The rows of many keys at once, in few requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import NotFoundError, SynapseError
from synapse.orm import parts
from synapse.orm.pages import fetch, keys_of, took_too_long
from synapse.query import Condition, In, Query

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session

MOST: Final = 250
"""Keys in one request: few enough for any URL, and for an answer in good time; several go side by side."""


def rows_of(
    cls: type[Entity], keys: Sequence[Any], *, session: Session, only: tuple[str, ...] = (), expand: str = ""
) -> Iterator[Any]:
    """Give the rows that have these keys, as they come; those that do not exist are left out."""
    queries = [
        part
        for some in _even(keys)
        for part in parts.whole_parts(
            cls,
            Query(where=(_among(cls, some),), only=only, expand=(expand,) if expand else ()),
            fits=lambda query: session.dialect.fits(cls._schema, query),
        )
    ]
    for found in session.map(lambda query: list(_read(cls, query, session)), queries):
        yield from found.value()


def _even(keys: Sequence[Any]) -> Iterable[Sequence[Any]]:
    """Cut into parts of about the same length."""
    count = -(-len(keys) // MOST)
    bounds = [len(keys) * number // count for number in range(count + 1)]
    return [keys[low:high] for low, high in zip(bounds, bounds[1:], strict=False)]


def _among(cls: type[Entity], keys: Sequence[Any]) -> Condition:
    return Condition(cls._schema.pk, In, tuple(keys))


def _read(cls: type[Entity], query: Query, session: Session) -> Iterator[Any]:
    """Read one list of keys, whatever the backend's page size; one that takes too long is asked for in halves."""
    keys = query.where[0].value
    try:
        yield from _pages(cls, query, session)
    except SynapseError as error:
        if len(keys) == 1 or not took_too_long(error):
            raise
        for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            yield from _read(cls, attrs.evolve(query, where=(_among(cls, half),)), session)


def _pages(cls: type[Entity], query: Query, session: Session) -> Iterator[Any]:
    wanted, wire, number = set(query.where[0].value), session.dialect.pk(cls._schema), 1
    size = len(wanted)
    while wanted:
        request = session.dialect.select(cls._schema, query, page=number, size=size)
        try:
            page = fetch(request, session).page
        except NotFoundError:
            if number == 1:
                raise
            return
        yield from page.rows
        found = wanted.intersection(keys_of(cls, page.rows, wire=wire))
        if not page.next or not found:
            return
        wanted, number = wanted - found, number + 1
