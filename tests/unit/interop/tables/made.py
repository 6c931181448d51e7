"""Queries over canned rows, and tables as plain values."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from synapse import Task
from synapse.testing import CannedSession, canned
from tests.unit.orm.rows import served, task

TASKS = "GET sdk/tasks/"
REST: dict[str, Any] = {
    "data": None,
    "schema": "dm_schema_v1",
    "tags": [],
    "status_review": "stand_by",
    "count_assignments": 0,
    "has_data": False,
    "workshop": None,
    "files": {},
}


def row(key: int, **changes: Any) -> dict[str, Any]:
    """One task as lists have it, with every field."""
    return {**task(key), **REST, **changes}


def session_of(*rows: Any, cap: int = 1000, **more: Any) -> CannedSession:
    """A backend that has these tasks, in pages of *cap*, and answers to other requests."""
    return canned({TASKS: served(list(rows), cap=cap), **more})


def tasks(*rows: Any, cap: int = 1000, **more: Any) -> Any:
    """A query of these tasks."""
    return Task.objects.using(session_of(*rows, cap=cap, **more))


def columns_of(table: Any) -> dict[str, list[Any]]:
    """The values of a table, by the names of its columns."""
    return dict(pa.table(table).to_pydict())


def types_of(tabular: Any) -> dict[str, str]:
    """The types of a table, by the names of its columns."""
    return {field.name: str(field.type) for field in pa.schema(tabular)}
