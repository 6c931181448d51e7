"""Entities by name, so that their files need not import each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synapse.errors import QueryError, did_you_mean

if TYPE_CHECKING:
    from synapse.dialects import Table
    from synapse.orm.entity import Entity
    from synapse.session import Session

_ENTITIES: dict[str, type[Entity]] = {}
# Where each was declared: a public entity goes by another module later.
_DECLARED: dict[str, str] = {}
_MANAGED: dict[str, str] = {}


def register(cls: type[Any]) -> None:
    """Make an entity known under its class name; the same declaration, run again, replaces it."""
    name, declared = cls.__name__, f"{cls.__module__}.{cls.__qualname__}"
    taken = _DECLARED.setdefault(name, declared)
    if taken != declared:
        raise QueryError(
            f"there is an entity called {name!r} already ({taken}), and relations find entities by their names: call "
            f"this one otherwise, or leave @entity out to extend {name}"
        )
    _ENTITIES[name] = cls


def entity_at(resource: str) -> type[Entity]:
    """Find an entity by the name that the dialects know it by."""
    return next(cls for cls in _ENTITIES.values() if cls._schema.resource == resource)


def entity_named(name: str) -> type[Entity]:
    """Find an entity by its class name, or by that of its manager."""
    try:
        return _ENTITIES[entity_behind(name)]
    except KeyError:
        raise QueryError(f"no entity is called {name!r}{did_you_mean(name, _ENTITIES)}") from None


def entity_behind(declared: str) -> str:
    """Name the entity that a link declares by itself or by its manager: `Task`, `TaskManager`."""
    if declared in _ENTITIES or not declared.endswith("Manager"):
        return declared
    if declared not in _MANAGED:
        managed = (cls.__name__ for cls in _ENTITIES.values() if type(cls.objects).__name__ == declared)
        found = next(managed, None)
        if found is None:
            return declared  # it may be declared later
        _MANAGED[declared] = found
    return _MANAGED[declared]


def table_of(cls: type[Entity], session: Session) -> Table:
    """Give an entity in the API that a session speaks."""
    return session.dialect.table(cls._schema, cls._catalog)
