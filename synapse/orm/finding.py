"""Single objects of a query, and objects by their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from synapse.errors import NotFoundError, QueryError
from synapse.mapping.unset import UNSET, Unset
from synapse.orm import binding, fetching, loading, spelling
from synapse.orm.registry import table_of
from synapse.query import Exact, In
from synapse.query.kinds import Reference
from synapse.reading.read import check_supported

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet

E = TypeVar("E", bound="Entity")


def get(queryset: QuerySet[E], pk: Any, *, lookups: dict[str, Any]) -> E:
    """Give the one object that matches a key or lookups."""
    schema, query = queryset.entity._schema, queryset.query
    if pk is None:
        raise QueryError(f"{schema.entity}.get() got None for a key; nothing was sent")
    if pk is not UNSET:
        lookups["pk"] = pk
    queryset._unsliced("get()")
    binding.check_host(queryset.session, lookups.values(), what="get()")
    keys = [name for name in ("pk", schema.pk) if name in lookups]
    table = table_of(queryset.entity, queryset.session)
    # Only lists can leave fields out.
    listed = bool(query.only or query.defer) and table.accepts(schema.pk, Exact)
    single = keys == list(lookups) and len(keys) == 1 and query.bare and not listed
    if single and table.has_single:
        return _detail(queryset, _kind(queryset).check(f"{schema.entity}.get()", lookups[keys[0]]))
    if not lookups and query.bare:
        raise QueryError(f"get() needs a key or lookups: {schema.entity}.objects.get(5)")
    return _single(queryset, lookups)


def outermost(queryset: QuerySet[E], names: tuple[str, ...], *, verb: Literal["latest", "earliest"]) -> E:
    """Give the first or the last row in an order."""
    cls = queryset.entity
    if not names:
        raise QueryError(
            f"{verb}() takes the fields to order by, such as {verb}({cls._catalog.order_by[-1]!r})"
        )
    ordered = queryset.order_by(*names)
    found = ordered.last() if verb == "latest" else ordered.first()
    if found is None:
        raise loading.missing(
            cls, f"no {cls.__name__} matches {spelling.spelled(queryset.query) or 'the query'}"
        )
    return found


def _kind(queryset: QuerySet[Any]) -> Reference:
    return Reference(queryset.entity._schema.entity, key=queryset.entity._schema.key)


def _detail(queryset: QuerySet[E], pk: Any) -> E:
    schema, session, query = queryset.entity._schema, queryset.session, queryset.query
    table = table_of(queryset.entity, session)
    check_supported(table, query)
    request = table.detail(pk, expand=query.expand)
    try:
        reply = session.send(request)
    except NotFoundError as error:
        raise loading.missing(
            queryset.entity, f"{schema.entity} {pk!r} does not exist", cause=error
        ) from error
    row = loading.checked_row(table, table.one(reply), pk=pk, request=request)
    found = loading.load(queryset.entity, row, session=session, mode=query.mode)
    for path in query.prefetch:
        fetching.prefetch([found], path)
    return found


def _single(queryset: QuerySet[E], lookups: dict[str, Any]) -> E:
    cls, asked = queryset.entity, queryset.filter(**lookups)
    found = list(asked[:2])
    if len(found) == 1:
        return found[0]
    spelled = spelling.spelled(asked.query) or "the query"
    if not found:
        raise loading.missing(cls, f"no {cls.__name__} matches {spelled}")
    counts = table_of(cls, asked.session).traits.counts
    found_count = asked.count() if counts else "more than one"
    raise cls.MultipleObjectsReturned(
        f"get() found {found_count} {cls.__name__} for {spelled}, not one; filter further, or use first()"
    )


def in_bulk(queryset: QuerySet[E], keys: Iterable[Any] | Unset) -> dict[Any, E]:
    """Give objects by key, as few requests as the wire allows; keys that do not exist are left out."""
    queryset._unsliced("in_bulk()")
    if keys is UNSET:
        return {row.pk: row for row in queryset}
    keys = list(keys) if isinstance(keys, Iterator) else keys
    checked = In.check(f"{queryset.entity.__name__}.in_bulk()", keys, kind=_kind(queryset))
    binding.check_host(queryset.session, [keys], what="in_bulk()")
    if table_of(queryset.entity, queryset.session).accepts(queryset.entity._schema.pk, In):
        queryset = queryset.filter(pk__in=checked)
    elif queryset.query.bare:
        return fetching.one_by_one(queryset.session, checked, get=lambda key: _detail(queryset, key))
    rows = {row.pk: row for row in queryset}
    return {key: rows[key] for key in checked if key in rows}
