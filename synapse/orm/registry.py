"""Entities by name, so that their files need not import each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synapse.errors import QueryError, did_you_mean

if TYPE_CHECKING:
    from synapse.orm.entity import Entity

_ENTITIES: dict[str, type[Entity]] = {}
# Where each was declared: a public entity goes by another module later.
_DECLARED: dict[str, str] = {}


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
    """Find an entity by its class name."""
    try:
        return _ENTITIES[name]
    except KeyError:
        raise QueryError(f"no entity is called {name!r}{did_you_mean(name, _ENTITIES)}") from None


def is_known(name: str) -> bool:
    """Whether an entity of this name was declared."""
    return name in _ENTITIES


def entity_behind(declared: str) -> str:
    """Name the entity that a link declares, by itself or by its manager: `Task`, `TaskManager`, `Manager[Task]`."""
    name = declared.rpartition("[")[2].rstrip("]")
    if name in _ENTITIES or not name.endswith("Manager"):
        return name
    managed = (cls.__name__ for cls in _ENTITIES.values() if type(cls.objects).__name__ == name)
    return next(managed, name)
