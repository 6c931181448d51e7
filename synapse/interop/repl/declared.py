"""What an entity declares, as both its description and the signatures of its queries have it."""

from __future__ import annotations

from typing import Any

from synapse.dialects import DEFAULT
from synapse.errors import UnsupportedError
from synapse.orm.record import Record, catalog_of, schema_of


def types_of(cls: type[Record]) -> dict[str, Any]:
    """Give the types of all fields, those of the entities that it extends included."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found |= vars(base).get("__annotations__", {})
    return found


def nested_in(cls: type[Record]) -> tuple[str, ...]:
    """Name the relations that `select_related()` takes."""
    try:
        return DEFAULT.table(schema_of(cls), catalog_of(cls)).expandable
    except (KeyError, UnsupportedError):
        return ()  # it has a row in a dialect of somebody's own only
