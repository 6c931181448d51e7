"""Rows that came after others: keys are given in order, so no clock has to be trusted."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from synapse.orm.registry import table_of
from synapse.query import Exact, Gt, Query

if TYPE_CHECKING:
    from synapse.dialects import Table
    from synapse.orm.entity import Entity
    from synapse.session import Session

E = TypeVar("E", bound="Entity")


def highest_key(cls: type[Entity], session: Session) -> int | None:
    """Give the highest key that the backend has, 0 without rows; None where keys are in no order."""
    table, pk = table_of(cls, session), cls._schema.pk
    if pk not in table.orders:
        return None
    request = table.select(Query(order=(f"-{pk}",), only=(pk,)), size=2)
    rows = table.found(session.send(request), request).rows
    found = [table.normalise(row).get(table.pk) for row in rows]
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
    table, pk = table_of(cls, session), cls._schema.pk
    shared = shared_links(table, sent)
    if after and table.accepts(pk, Gt):
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


def shared_links(table: Table, sent: Collection[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the links that rows have in common and that can be filtered by."""
    links: dict[str, Any] = {}
    for relation, via in table.schema.relations.items():
        keys = {values.get(via) for values in sent}
        if len(keys) == 1 and None not in keys and table.accepts(relation, Exact):
            links[relation] = keys.pop()
    return links
