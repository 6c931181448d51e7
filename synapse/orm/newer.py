"""Rows that came after others: keys are given in order, so no clock has to be trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from synapse.query import Exact, Gt, Query

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.session import Session

E = TypeVar("E", bound="Entity")


def highest_key(cls: type[Entity], session: Session) -> int | None:
    """Give the highest key that the backend has, 0 without rows; None where keys are in no order."""
    schema, pk = cls._schema, cls._schema.pk
    request = session.dialect.select(schema, Query(order=(f"-{pk}",), only=(pk,)), page=1, size=2)
    rows = session.dialect.page(session.send(request), request).rows
    wire_pk = session.dialect.pk(schema)
    found = [session.dialect.normalise(schema, row).get(wire_pk) for row in rows]
    keys = [key for key in found if type(key) is int]
    if len(keys) < len(rows) or keys != sorted(keys, reverse=True):
        return None
    return max(keys, default=0)


def rows(
    cls: type[E], sent: Collection[Mapping[str, Any]], *, session: Session, after: int
) -> tuple[list[E], bool]:
    """Read the rows above a key, of the parents that all the values name if they name the same.

    The flag says whether all of them were surely read.
    """
    pk, shared = cls._schema.pk, shared_links(cls, sent)
    if after and cls._catalog.accepts(pk, Gt):
        shared[f"{pk}__gt"] = after
    queryset = cls.objects.using(session).filter(**shared).order_by(f"-{pk}")
    younger: list[E] = []
    last = None
    with queryset.iterator(on_bad_row="skip") as found:
        for row in found:
            if last is not None and row.pk > last:
                # A backend that ignores the order may hide younger ones behind the older.
                return younger, False
            if last is not None and last <= after:
                break
            last = row.pk
            if last > after:
                younger.append(row)
        return younger, not found.bad_count


def shared_links(cls: type[Entity], sent: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the links that rows have in common and that can be filtered by."""
    links: dict[str, Any] = {}
    for relation, via in cls._schema.relations.items():
        keys = {values.get(via) for values in sent}
        if len(keys) == 1 and None not in keys and cls._catalog.accepts(relation, Exact):
            links[relation] = keys.pop()
    return links
