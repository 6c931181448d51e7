"""Checkpoints that somebody has changed."""

from __future__ import annotations

import base64
import json

from functools import cache
from itertools import islice
from typing import Any, Final

import pytest

from synapse import QueryError, Task
from synapse.testing import canned
from tests.unit.orm.rows import by_cursor, served, task

TASKS: Final = "GET sdk/tasks/"
ROWS: Final = [task(key) for key in range(1, 51)]
LISTED: Final = range(1, 3001)
QUERIES: Final = {
    "ranges": lambda tasks: tasks.all(),
    "pages": lambda tasks: tasks.order_by("-created"),
    "cursor": lambda tasks: tasks.all(),
    "one": lambda tasks: tasks.all()[:5],
    "listed": lambda tasks: tasks.filter(id__in=LISTED),
    "merged": lambda tasks: tasks.filter(id__in=LISTED).order_by("created"),
}
ODD: Final[dict[str, list[Any]]] = {
    "key": [{}, [], True, 1.5, {"a": 1}],
    "place": [{}, [], "x", "3", None, -1, True, 1.5, 10**30],
    "odd": [{}, "x", None, -1, True],
    "token": [{}, None, 5],
    "last": [{}, "x", None, 5, [], [{}], [1, 2, 3], [["a"]], ["x"]],
    "other": [1],
}


def query_of(plan: str) -> Any:
    """A query that is read by this plan."""
    rows = by_cursor(ROWS) if plan == "cursor" else served(ROWS)
    return QUERIES[plan](Task.objects.using(canned({TASKS: rows}, page_size=5)))


def taken(query: Any, plan: str, *, count: int = 3) -> tuple[str, list[int]]:
    """Take some rows, and give the checkpoint behind them."""
    rows = query.iterator(plan=plan if plan == "cursor" else None)
    keys = [row.id for row in islice(rows, count)]
    text = rows.checkpoint
    rows.close()
    return text, keys


@cache
def good(plan: str) -> str:
    """The checkpoint of a reading by this plan."""
    return taken(query_of(plan), plan)[0]


def opened(text: str) -> dict[str, Any]:
    """Read a checkpoint."""
    kept: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return kept


def closed(kept: object) -> str:
    """Write a checkpoint."""
    return base64.urlsafe_b64encode(json.dumps(kept).encode()).decode().rstrip("=")


@pytest.mark.parametrize("plan", QUERIES)
def test_an_untouched_one_is_taken(plan: str) -> None:
    """By every plan, so that the refusals below are of what was changed."""
    query = query_of(plan)
    text, first = taken(query, plan)

    _, whole = taken(query, plan, count=100)
    assert whole == [*first, *(row.id for row in query.resume(closed(opened(text))))]


@pytest.mark.combinations("plan, name", QUERIES, ODD)
def test_a_state_that_no_reading_leaves_is_refused(plan: str, name: str) -> None:
    """Whichever part of it was changed, before anything is sent."""
    query, kept = query_of(plan), opened(good(plan))

    for value in ODD[name]:
        with pytest.raises(QueryError, match="no checkpoint that this version can read; nothing was sent"):
            list(query.resume(closed({**kept, "at": {**kept["at"], name: value}})))
    assert [] == query.session.requests


@pytest.mark.parametrize("plan", ["ranges", "cursor", "listed"])
def test_a_key_that_cannot_be_compared_is_refused(plan: str) -> None:
    """Where the reading goes on behind it."""
    kept = opened(good(plan))

    with pytest.raises(QueryError, match="no checkpoint"):
        list(query_of(plan).resume(closed({**kept, "at": {**kept["at"], "key": "x"}})))


@pytest.mark.parametrize("kept", [None, [], 5, "x", {}, {"v": 1}, {"v": 1, "at": []}, {"v": 2, "at": {}}])
def test_what_is_no_checkpoint_is_refused(kept: object) -> None:
    """Whatever JSON it holds."""
    with pytest.raises(QueryError, match="no checkpoint"):
        query_of("ranges").resume(closed(kept))
