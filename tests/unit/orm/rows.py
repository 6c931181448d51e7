"""Rows as the backend sends them, and lists that are served in pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from synapse.dialects import Request
from synapse.errors import NotFoundError
from synapse.testing import page

Row = dict[str, Any]


def task(key: int, **changes: Any) -> Row:
    """One task of project 1."""
    row = {
        "id": key,
        "project": 1,
        "data_unit": 100 + key,
        "meta": {"n": key},
        "is_discarded": False,
        "status_label": "stand_by",
        "created": f"2026-03-01T09:{key % 60:02}:00+09:00",
    }
    return {**row, **changes}


def project(key: int, **changes: Any) -> Row:
    """One project."""
    return {"id": key, "title": f"project {key}", "category": "image", "data_collection": 7, **changes}


def unit(key: int, **changes: Any) -> Row:
    """One data unit."""
    return {"id": key, "data_collection": 7, "meta": {"unit": key}, "files": {}, **changes}


def served(rows: Sequence[Any], *, cap: int = 1000, counted: bool = True) -> Callable[[Request], Any]:
    """Answer like a list of these rows by key, at most *cap* a page; lists and bounds of keys choose among them."""

    def answer(request: Request) -> Any:
        asked = dict(request.params)
        chosen = [row for row in rows if _is_asked_for(row["id"], asked)]
        if asked.get("ordering", "").startswith("-"):
            chosen.reverse()
        size, number = min(int(asked["page_size"]), cap), int(asked["page"])
        found = chosen[(number - 1) * size : number * size]
        if not found and number > 1:
            return NotFoundError("Invalid page.", status_code=404)
        following = f"/?page={number + 1}" if number * size < len(chosen) else None
        reply = page(*found, count=len(chosen), next=following)
        return reply if counted else {**reply, "count": None}

    return answer


def _is_asked_for(key: int, asked: dict[str, str]) -> bool:
    above = max(int(asked.get("id__gt", 0)), int(asked.get("id__gte", 1)) - 1)
    below = min(int(asked.get("id__lt", 10**9)), int(asked.get("id__lte", 10**9 - 1)) + 1)
    keys = asked.get("id__in", asked.get("ids"))
    return (
        above < key < below
        and asked.get("id", str(key)) == str(key)
        and (keys is None or str(key) in keys.split(","))
    )


def in_turn(*answers: Any) -> Callable[[Request], Any]:
    """Give one answer after the other, whatever is asked."""
    waiting = iter(answers)
    return lambda request: next(waiting)


def by_cursor(rows: Sequence[Any]) -> Callable[[Request], Any]:
    """Answer like a list that knows cursors: the token is the last key."""

    def answer(request: Request) -> Any:
        asked = dict(request.params)
        assert asked["pagination"] == "cursor"
        chosen = [row for row in rows if row["id"] > int(asked.get("cursor", "k0")[1:])]
        size = int(asked["page_size"])
        link = f"/?pagination=cursor&cursor=k{chosen[size - 1]['id']}" if len(chosen) > size else None
        return {"next": link, "previous": None, "results": chosen[:size]}

    return answer
