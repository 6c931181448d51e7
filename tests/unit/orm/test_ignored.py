"""A backend that ignores a filter: nothing is written to the rows that it gives instead."""

from __future__ import annotations

from functools import partial
from typing import Any

import attrs
import pytest

from synapse import Assignment, DataFile, GroundTruth, Job, Plugin, QueryError, Task, TaskTag, ValidationError
from synapse.dialects import Reply, Request
from synapse.orm.filter_proof import NOBODY
from synapse.testing import CannedSession, page
from tests.unit.orm.rows import Row, served, task

TASKS = [task(1, tags=[5], workshop=3), task(2, tags=[], workshop=None)]
ASSIGNMENTS = [
    {"id": 1, "task": 1, "user": 3, "reviewer": 8, "tags": [5]},
    {"id": 2, "task": 2, "user": None, "reviewer": 9, "tags": []},
]
UNTAGGED = [{key: value for key, value in row.items() if key != "tags"} for row in TASKS]


class Ignoring(CannedSession):
    """A backend that knows pages and orders, and no filter at all."""

    def send(self, request: Request, *, decode: Any = None) -> Reply:
        known = ("page", "page_size", "ordering", "fields")
        kept = tuple((name, value) for name, value in request.params if name in known)
        return super().send(attrs.evolve(request, params=kept), decode=decode)


def heard(request: Request, rows: list[Row] = TASKS) -> Any:
    """Answer as a backend where the first task alone has an assignment, of labeler 3."""
    asked = dict(request.params)
    meets = [str(key) in asked.get("labelers", "3").split(",") for key in (3, 0)]
    meets[0] &= asked.get("has_assignment") != "false"
    meets[1] = (
        not {"labelers", "assignments__is_discarded"} & set(asked) and asked.get("has_assignment") != "true"
    )
    return served([row for row, met in zip(rows, meets, strict=False) if met])(request)


def refused(request: Request) -> Any:
    """Answer as one that refuses a key that no row has."""
    if str(NOBODY) in dict(request.params).get("labelers", ""):
        raise ValidationError("no such labeler", status_code=400)
    return heard(request)


LISTS = {
    "GET sdk/tasks/": served(TASKS),
    "GET sdk/assignments/": served(ASSIGNMENTS),
    "GET data_files/": served([{"id": 1, "checksum": "a"}, {"id": 2, "checksum": "b"}]),
    "GET jobs/": page({"id": "a"}, {"id": "b"}),
    "GET ground_truths/": served([{"id": 1, "classes": ["car"]}, {"id": 2, "classes": []}]),
}
PROVEN = {
    "tasks": lambda: Assignment.objects.filter(tasks=1),
    "tasks__in": lambda: Assignment.objects.filter(tasks__in=[1, 7]),
    "users": lambda: Assignment.objects.filter(users=3),
    "reviewers": lambda: Assignment.objects.filter(reviewers=8),
    "tags of assignments": lambda: Assignment.objects.filter(tags=5),
    "tags": lambda: Task.objects.filter(tags__in=[5, 6]),
    "workshops": lambda: Task.objects.filter(workshops=3),
    "classes": lambda: GroundTruth.objects.filter(classes="car"),
    "task.assignments": lambda: Task.ref(1).assignments,
    "tag.tasks": lambda: TaskTag.ref(5).tasks,
}
UNPROVEN = {
    "beside a proven one": lambda: Task.objects.filter(project=1, labelers=3),
    "exclude": lambda: Task.objects.filter(project=1).exclude(has_assignment=True),
    "created": lambda: Task.objects.filter(created__gte="2020-01-01"),
    "project": lambda: Assignment.objects.filter(project=1),
    "labelers": lambda: Task.objects.filter(labelers=3),
    "sliced": lambda: Task.objects.filter(labelers=3)[:1],
    "has_assignment": lambda: Task.objects.filter(has_assignment=True),
    "data_collection": lambda: DataFile.objects.filter(data_collection=1),
    "plugin": lambda: Job.objects.filter(plugin="yolo"),
    "plugin.jobs": lambda: Plugin.ref("yolo").jobs,
}
WITHOUT_CONTRARY = {
    "assignments__is_discarded": lambda: Task.objects.filter(assignments__is_discarded=True),
    "sliced by it": lambda: Task.objects.filter(assignments__is_discarded=True)[:1],
}


def written(session: CannedSession) -> list[Any]:
    """What was sent that changes something."""
    return [request for request in session.requests if request.method != "GET"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        *(pytest.param(query, "the backend ignored", id=name) for name, query in PROVEN.items()),
        *(pytest.param(query, "the backend ignored .* instead", id=name) for name, query in UNPROVEN.items()),
        *(
            pytest.param(query, "leaves out no Task .*everything=True", id=name)
            for name, query in WITHOUT_CONTRARY.items()
        ),
    ],
)
def test_nothing_of_an_ignored_filter_is_deleted(query, message):
    """A row that does not meet the filter, or meets its contrary, ends the write before it begins."""
    session = Ignoring(LISTS)

    with pytest.raises(QueryError, match=message):
        query().using(session).delete()

    assert [] == written(session)


@pytest.mark.parametrize("name", ["tasks", "tags", "task.assignments", "tag.tasks", "labelers", "project"])
@pytest.mark.parametrize(
    "write",
    [lambda query: query.update(is_discarded=True), lambda query: query.set_tags(add=[9])],
    ids=["update", "set_tags"],
)
def test_nothing_of_an_ignored_filter_is_changed(name, write):
    """What holds for `delete()` holds for every bulk write."""
    session = Ignoring(LISTS)

    with pytest.raises(QueryError, match="the backend ignored"):
        write((PROVEN | UNPROVEN)[name]().using(session))

    assert [] == written(session)


@pytest.mark.parametrize("answer", [heard, refused])
@pytest.mark.parametrize(
    "query",
    [
        lambda: Task.objects.filter(labelers=3),
        lambda: Task.objects.filter(labelers__in=[3, 4]),
        lambda: Task.objects.filter(project=1, labelers=3),
        lambda: Task.objects.filter(labelers=3)[:1],
        lambda: Task.objects.filter(has_assignment=True),
        lambda: Task.objects.exclude(has_assignment=False),
    ],
)
def test_one_more_request_asks_for_the_contrary(answer, query):
    """Where the contrary gives none of the rows, the filter was heard: what no row has, or the other answer."""
    session = CannedSession({"GET sdk/tasks/": answer, "DELETE tasks/1/": None})

    query().using(session).delete()

    assert ["tasks/1/"] == [request.path for request in written(session)]
    assert 3 == len(session.requests)


def test_a_filter_without_a_contrary_is_counted():
    """A task may have a discarded assignment and one that is not: that the filter leaves some out has to do."""
    session = CannedSession({"GET sdk/tasks/": heard, "DELETE tasks/1/": None})

    Task.objects.using(session).filter(assignments__is_discarded=True).delete()

    assert ["GET", "GET", "DELETE"] == [request.method for request in session.requests]
    assert "assignments__is_discarded" not in dict(session.requests[1].params)


def test_a_filter_that_truly_leaves_nothing_out_is_taken():
    """All tasks have an assignment: no task without one comes, so that the filter was heard."""
    session = CannedSession({"GET sdk/tasks/": partial(heard, rows=TASKS[:1]), "DELETE tasks/1/": None})

    Task.objects.using(session).filter(project=1, has_assignment=True).delete()

    assert ["tasks/1/"] == [request.path for request in written(session)]


def test_no_rows_need_no_proof():
    """Where nothing would be written, nothing more is asked."""
    session = CannedSession({"GET sdk/tasks/": partial(heard, rows=[])})

    Task.objects.using(session).filter(labelers=3).delete()

    assert 1 == len(session.requests)


def test_everything_says_that_it_is_meant():
    """The refusal's own way out writes to every row, and counts nothing."""
    session = Ignoring({**LISTS, "DELETE tasks/1/": None, "DELETE tasks/2/": None})

    Task.objects.using(session).filter(labelers=3).delete(everything=True)

    assert ["GET", "DELETE", "DELETE"] == [request.method for request in session.requests]


def test_what_writes_nothing_is_not_counted():
    """A reading shows the rows as they came."""
    session = Ignoring(LISTS)

    Task.objects.using(session).filter(labelers=3).count()

    assert 1 == len(session.requests)


def test_a_field_that_the_rows_lack_proves_nothing():
    """Where the backend leaves out the field of a filter, its contrary decides."""
    session = Ignoring({"GET sdk/tasks/": served(UNTAGGED)})

    with pytest.raises(QueryError, match="the backend ignored tags=5: asked for"):
        Task.objects.using(session).filter(tags=5).delete()


def test_a_proven_filter_costs_no_count():
    """Rows that all meet the filter by their own fields may be all there are."""
    session = Ignoring({"GET sdk/tasks/": served(TASKS[:1]), "DELETE tasks/1/": None})

    Task.objects.using(session).filter(tags=5).delete()

    assert ["GET", "DELETE"] == [request.method for request in session.requests]
