"""Many clients writing at once."""

from __future__ import annotations

import uuid

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from tests.sandbox.wire import Wire
from tests.sandbox.world import make_project, make_units, make_world

WRITERS = 16
ROUNDS = 6


def at_once(write: Callable[[int], requests.Response], *, times: int = WRITERS * ROUNDS) -> list[int]:
    """Call *write* with the numbers from 0, sixteen at a time, and return the statuses answered."""
    with ThreadPoolExecutor(WRITERS) as pool:
        return [answer.status_code for answer in pool.map(write, range(times))]


def test_every_write_of_sixteen_writers_is_kept(wire: Wire) -> None:
    """No writer is told that the database is locked, and nothing is lost."""
    name = uuid.uuid4().hex

    statuses = at_once(lambda number: wire.post("projects/", {"title": f"{name} {number}"}))

    assert {201} == set(statuses)
    assert WRITERS * ROUNDS == wire.get(f"projects/?search={name}")["count"]


def test_mixed_writes_all_succeed(wire: Wire) -> None:
    """Annotating, tagging, changing and reading side by side get in nobody's way."""
    world = make_world(wire, count=WRITERS)

    def work(number: int) -> requests.Response:
        task = world.tasks[number % WRITERS]
        calls: list[tuple[str, str, Any]] = [
            ("PUT", f"tasks/{task}/annotate_task_data/", {"data": {"n": number}}),
            ("POST", "tasks/set_tags/", {"ids": world.tasks, "tags": world.tags}),
            ("PATCH", f"projects/{world.project}/", {"description": str(number)}),
            ("GET", f"sdk/tasks/?project={world.project}&expand=data_unit", None),
        ]
        method, path, body = calls[number % len(calls)]
        return wire.send(method, path, json=body)

    assert {200} == set(at_once(work))


def test_one_of_many_equal_tasks_is_made(wire: Wire) -> None:
    """Of sixteen requests for the same task one wins, and the others are told so."""
    collection = wire.collection()["id"]
    project, (unit,) = make_project(wire, collection), make_units(wire, collection, count=1)

    statuses = at_once(lambda _: wire.post("tasks/", {"project": project, "data_unit": unit}), times=WRITERS)

    assert [201] + [400] * (WRITERS - 1) == sorted(statuses)


def test_changes_of_different_fields_do_not_undo_each_other(wire: Wire) -> None:
    """Two clients that write different fields of one row both have their way."""
    project = make_project(wire, wire.collection()["id"])
    fields = ["title", "description"]

    for number in range(5):
        bodies = [{field: f"{field} {number}"} for field in fields]
        at_once(lambda i, bodies=bodies: wire.send("PATCH", f"projects/{project}/", json=bodies[i]), times=2)
        row = wire.get(f"projects/{project}/")
        assert [f"{field} {number}" for field in fields] == [row[field] for field in fields]


def test_one_default_storage_is_left(wire: Wire) -> None:
    """However many make theirs the default at once, one is."""
    body = {"name": "Pail", "provider": "gcp", "is_default": True}

    at_once(lambda _: wire.post("storages/", body), times=WRITERS)

    rows = wire.get("storages/?category=external&page_size=1000")["results"]
    assert 1 == sum(row["is_default"] for row in rows)
