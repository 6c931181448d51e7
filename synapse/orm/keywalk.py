"""The walk by the last key, which rows that come and go do not disturb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import attrs

from synapse.dialects import V1, Request
from synapse.errors import TransportError
from synapse.orm import parts
from synapse.orm.pages import Passed, Window, check_empty, key_of, page_after
from synapse.query import Condition, Gt, Lt, Query
from synapse.query.lookups import Lookup

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session


def onward(cls: type[Entity], ordered: Query, *, dialect: V1) -> type[Lookup] | None:
    """Choose the lookup that leads on from the last key of a page, where the wire has it and no slice counts rows."""
    if ordered.sliced or not parts.by_key(cls, ordered):
        return None
    pk, lookup = cls._schema.pk, Lt if ordered.order[0].startswith("-") else Gt
    if not cls._catalog.accepts(pk, lookup):
        return None
    needed = {dialect.key(cls._schema, Condition(pk, lookup, 0)).name, "ordering"}
    return None if any(name in needed for name, _ in ordered.params) else lookup


def walk(
    cls: type[Entity], query: Query, *, session: Session, size: int, lead: type[Lookup]
) -> Iterator[Window]:
    """Ask for what follows the last key, so that rows which leave the result meanwhile shift no others."""
    place, number, empty, asked = 0, 1, 0, query
    last: int | None = None
    before: Passed | None = None
    while True:
        request = session.dialect.select(cls._schema, asked, page=number, size=size)
        page = page_after(before, request, session=session, number=number)
        if page is None:
            return
        rows = [row for row in page.rows if not _is_past(key_of(cls, row, session=session), last, lead)]
        if rows:
            yield Window(place, rows)
        if not page.next:
            return
        place, before = place + len(rows), Passed(page, (number - 1) * size, size)
        if page.rows:
            last = _last_key(
                [key_of(cls, row, session=session) for row in page.rows], last, lead=lead, request=request
            )
            bound = Condition(cls._schema.pk, lead, last)
            number, empty, asked = 1, 0, attrs.evolve(query, where=cls._catalog.add(query.where, bound))
        else:
            number, empty = number + 1, empty + 1
            check_empty(request, empty)


def _last_key(keys: list[Any], seen: int | None, *, lead: type[Lookup], request: Request) -> int:
    if all(isinstance(key, int) for key in keys):
        last: int = keys[-1]
        if keys == sorted(keys, reverse=lead is Lt) and not _is_past(last, seen, lead):
            return last
    raise TransportError(
        f"{request.method} {request.target}: the backend names a next page, but the rows of this one are not those "
        "that were asked for, in the order of their keys; the result cannot be read whole",
        method=request.method,
        url=request.target,
    )


def _is_past(key: Any, last: int | None, lead: type[Lookup]) -> bool:
    if last is None or not isinstance(key, int):
        return False
    return key >= last if lead is Lt else key <= last
