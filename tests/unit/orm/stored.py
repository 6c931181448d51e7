"""A backend that keeps tasks: what is written there is read afterwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synapse.dialects import Request
from synapse.errors import ValidationError
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.rows import Row, project, served, task


def stored(*keys: int, refused: int = 0, **settings: Any) -> CannedSession:
    """Open a session to tasks 1, 2, … of project 1; *refused* takes no change and stays."""
    rows = {key: task(key, tags=[]) for key in keys}
    replies: dict[str, Any] = {
        "GET projects/": page(project(1)),
        "GET projects/1/": project(1),
        "GET sdk/tasks/": lambda request: served(list(rows.values()))(request),
        "POST tasks/": lambda request: [_made(rows, **each) for each in request.json],
        "POST tasks/set_tags/": lambda request: _tagged(rows, **request.json),
    }
    for key in range(1, 10):
        replies[f"GET tasks/{key}/"] = lambda request, key=key: rows[key]
        replies[f"PATCH tasks/{key}/"] = _unless(key == refused, _changing(rows, key))
        replies[f"PUT tasks/{key}/annotate_task_data/"] = _changing(rows, key, meta={"n": 8})
        replies[f"DELETE tasks/{key}/"] = _unless(
            key == refused, lambda request, key=key: rows.pop(key) and None
        )
    return canned(replies, **settings)


def _made(rows: dict[int, Row], **values: Any) -> Row:
    key = max(rows, default=0) + 1
    rows[key] = task(key, tags=[], **values)
    return rows[key]


def _changing(rows: dict[int, Row], key: int, **instead: Any) -> Callable[[Request], Row]:
    def change(request: Request) -> Row:
        rows[key] = {**rows[key], **(instead or request.json)}
        return rows[key]

    return change


def _tagged(rows: dict[int, Row], *, ids: list[int], tags: list[int], action: str) -> Row:
    for key in ids:
        rows[key] = {**rows[key], "tags": tags if action == "add" else [], "meta": {"n": tags[0]}}
    return {"ok": True}


def _unless(refused: bool, answer: Callable[[Request], Any]) -> Any:
    return ValidationError("no", status_code=400) if refused else answer
