"""Finding one row: the only one that matches, or the one that people name so, as a project by its title."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from synapse.dialects import Table
from synapse.errors import QueryError, did_you_mean
from synapse.orm.record import Record, catalog_of, missing, schema_of
from synapse.query import arguments
from synapse.query.kinds import Text
from synapse.query.lookups import Exact
from synapse.query.search import words_of

E = TypeVar("E", bound="Record")

MOST: Final = 1_000
_PAGE: Final = 500


def only_one(cls: type[E], asked: Any) -> E:
    """Give the one row there is, or raise the entity's `DoesNotExist` or `MultipleObjectsReturned`."""
    found: list[E] = list(asked[:2])
    if len(found) == 1:
        return found[0]
    spelled = arguments.spelled(asked.query) or "the query"
    if not found:
        raise missing(cls, f"no {cls.__name__} matches {spelled}")
    found_count = asked.count() if asked._table().traits.counts else "more than one"
    raise cls.MultipleObjectsReturned(
        f"get() found {found_count} {cls.__name__} for {spelled}, not one; filter further, or use first()"
    )


def names_among(
    cls: type[Record], lookups: Mapping[str, Any], *, table: Table | None = None
) -> dict[str, str]:
    """Return the names among *lookups* that the backend cannot filter by itself, checked."""
    natural, catalog = schema_of(cls).natural, catalog_of(cls)
    accepts = catalog.accepts if table is None else table.accepts
    given = {name: lookups[name] for name in natural if name in lookups and not accepts(name, Exact)}
    for name, value in given.items():
        given[name] = Text().check(f"{catalog.entity}.get({name}=...)", value)
        if value != value.strip():
            # The backend takes them off, so that such a name would never be found, and be made again each time.
            raise QueryError(
                f"{catalog.entity}.get({name}={value!r}) has blanks around the {name}; nothing was sent"
            )
    return given


def by_name(cls: type[E], names: Mapping[str, str], *, among: Any) -> E:
    """Return the one row of these names *among* those of a query, or raise what `only_one()` raises."""
    rows: list[E] = _candidates(cls, names, among)
    same = [row for row in rows if all(getattr(row, name) == value for name, value in names.items())]
    if len(same) == 1:
        return same[0]
    what = f"{cls.__name__} with {', '.join(f'{name}={value!r}' for name, value in names.items())}"
    if same:
        keys = ", ".join(str(row.pk) for row in same[:5])
        raise cls.MultipleObjectsReturned(
            f"get() found {len(same)} {what}, of the keys {keys}{', …' if len(same) > 5 else ''}, not one; "
            "filter further, or get it by its key"
        )
    near = next(
        (did_you_mean(value, {getattr(row, name) for row in rows}) for name, value in names.items()), ""
    )
    raise missing(cls, f"there is no {what}{near}")


def _candidates(cls: type[E], names: Mapping[str, str], asked: Any) -> list[E]:
    searched = any(each.name == "search" for each in asked.query.where)
    words = words_of(" ".join(names.values()))
    if words and not searched and asked._table().accepts("search", Exact):
        asked = asked.filter(search=words)
    rows = list(asked[: MOST + 1].iterator(page_size=_PAGE))
    if len(rows) > MOST:
        name = next(iter(names))
        raise QueryError(
            f"{cls.__name__}.get({name}=...) compares the {name} of at most {MOST:,} rows, and there are more: filter "
            f"further ({', '.join(map('{}=...'.format, catalog_of(cls).lookups))}), or get it by its key. Nothing was "
            "written",
            code="too-many-to-compare",
        )
    return rows
