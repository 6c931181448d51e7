"""Many objects of API v2 by their keys: bulk reads where it has them, and single objects side by side elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from synapse import Assignment, GroundTruth, Session, Task
from synapse.sandbox import Sandbox
from tests.contract.conftest import connected
from tests.contract.factory import Factory

BULK = ("POST", "/v2/tasks/bulk-fetch/")


@pytest.fixture
def session(box: Sandbox) -> Iterator[Session]:
    """A session that speaks API v2 only, current during the test."""
    access = box.tenants["contract"]
    with Session(box.url, api_token=access.api_token, api="v2") as made:
        yield made
    made.close()


def asked(trace: list) -> list[tuple[str, str]]:
    return [(call.method, call.path.partition("?")[0]) for call in trace]


def test_in_bulk_takes_200_at_once(session: Session, make: Factory) -> None:
    """They come in the order of the keys, without those that do not exist."""
    keys = [row.pk for row in make.tasks(401, data={"a": 1})][::-1]
    with session.trace() as trace:
        found = Task.objects.in_bulk([*keys, 10**9])
        data = [task.data for task in found.values()]

    assert [BULK] * 3 == asked(trace)
    assert (keys, [{"a": 1}] * 401) == (list(found), data)


def test_what_a_bulk_read_lacks_is_loaded_side_by_side(session: Session, make: Factory) -> None:
    """Nobody who reads it sees a difference, but for the requests."""
    rows = make.tasks(9)
    found = Task.objects.in_bulk(row.pk for row in rows)
    with session.trace() as trace:
        created = [task.created for task in found.values()]

    assert [row.created for row in rows] == created
    assert 9 == len(trace)


@pytest.mark.parametrize("only", ["meta", "created"])
def test_in_bulk_of_what_no_bulk_read_has_is_one_by_one(session: Session, make: Factory, only: str) -> None:
    """Fields that are named are there."""
    keys = [row.pk for row in make.tasks(3)]
    with session.trace() as trace:
        found = Task.objects.only(only).in_bulk(keys)
        assert 3 == len([getattr(task, only) for task in found.values()])

    assert sorted(("GET", f"/v2/tasks/{key}/") for key in keys) == sorted(asked(trace))


def test_ground_truths_are_whole(session: Session, box: Sandbox) -> None:
    """Their bulk read lacks nothing."""
    with connected(box, "demo") as first:
        keys = [row.pk for row in GroundTruth.objects.using(first)[:5]]
    with (
        Session(box.url, api_token=box.tenants["demo"].api_token, api="v2") as second,
        second.trace() as trace,
    ):
        rows = GroundTruth.objects.in_bulk(keys).values()
        assert 5 == len([(row.category, row.classes, row.data, row.project_id) for row in rows])

    assert [("POST", "/v2/ground-truths/bulk-data/")] == asked(trace)


def test_prefetched_tasks_come_by_a_bulk_read(session: Session, make: Factory) -> None:
    """So do those that are read in a loop."""
    project = make.project()
    tasks = make.tasks(5, project=project, data={"a": 1})
    make.assignments(tasks)
    query = Assignment.objects.filter(project=project.pk)
    with session.trace() as trace:
        ahead = [row.task.data for row in query.prefetch_related("task")]
        session.cache.clear()
        read = [row.task.data for row in query]

    assert [{"a": 1}] * 5 == ahead == read
    assert [("GET", "/v2/assignments/"), BULK] * 2 == asked(trace)
