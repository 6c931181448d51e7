"""A catalog that has every kind of lookup, and what its conditions mean on rows."""

from __future__ import annotations

import operator

from datetime import UTC, datetime
from typing import Any, Final

import pytest

from synapse.entities import StatusLabel
from synapse.query import CHOICE, EXACT, ID, RANGE, By, Catalog, Condition, Exact, In
from synapse.query.kinds import Boolean, Choice, Key, Name, Reference, Text, TextKey, Timestamp

Row = dict[str, Any]

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
MEANINGS: Final = {
    "exact": operator.eq,
    "in": lambda held, asked: held in asked,
    "not_in": lambda held, asked: held not in asked,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


def holds(condition: Condition, row: Row) -> bool:
    """Say whether a row meets a condition."""
    return bool(MEANINGS[condition.lookup.name](row[condition.name], condition.value))


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """Return what a make-believe entity can be asked."""
    lookups = {
        "id": ID,
        "project": EXACT,
        "plugin": EXACT,
        "status": CHOICE,
        "created": RANGE,
        "is_done": EXACT,
        "tags": By(Exact, In, of="TaskTag", many=True),
        "classes": By(Exact, In, of=str, many=True),
        "parts__is_done": By(Exact, of=bool, many=True),
        "search": By(Exact, of=str, many=True),
    }
    kinds = {
        "id": Key(),
        "project": Reference("Project"),
        "plugin": Reference("Plugin", key=TextKey(number=True)),
        "status": Choice(StatusLabel),
        "created": Timestamp(),
        "is_done": Boolean(),
        "tags": Reference("TaskTag"),
        "classes": Name(),
        "parts__is_done": Boolean(),
        "search": Text(),
    }
    aliases = {"project_id": "project", "plugin_id": "plugin"}
    return Catalog("Work", "id", lookups=lookups, kinds=kinds, aliases=aliases, order_by=("id", "created"))
