"""Entities that only one API generation has: their rows, relations and filters, from canned answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from synapse import (
    Assignment,
    DataCollection,
    Experiment,
    Export,
    Project,
    QueryError,
    Review,
    ReviewTag,
    Session,
    Train,
    UnsupportedError,
    Upload,
)
from synapse.testing import CannedSession

RUN = {"id": 1, "created": "2026-03-01T04:05:06Z", "job_id": "0f", "job_status": "RUNNING"}
NESTED = {"id": "0f", "status": "SUCCEEDED", "action": "train", "created": None, "completed": None}


def page(*rows: dict[str, Any]) -> dict[str, Any]:
    """Return a list that ends here."""
    return {"data": list(rows), "meta": {"pagination": {"next_cursor": None}}}


def one(row: dict[str, Any]) -> dict[str, Any]:
    """Return one row in its envelope."""
    return {"data": row, "meta": {"request_id": "req_1"}}


@pytest.mark.parametrize(
    ("query", "target"),
    [
        (lambda: Experiment.ref(7).trains.all(), "v2/trains/?experiment=7"),
        (
            lambda: Train.objects.filter(created__gte=datetime(2026, 1, 1, tzinfo=UTC), job__status="FAILED"),
            "v2/trains/?created_after=2026-01-01T00:00:00%2B00:00&job__status=FAILED",
        ),
        (
            lambda: Train.objects.filter(ground_truth_version=4, has_model=True),
            "v2/trains/?dataset=4&has_model=true",
        ),
        (lambda: Assignment.ref(7).reviews.filter(scope="annotation"), "v2/reviews/?assignment=7&scope=annotation"),
        (lambda: Upload.objects.filter(project=3, storage=2), "v2/uploads/?project=3&storage=2"),
        (lambda: Export.objects.filter(target="task", project=3), "v2/exports/?target=task&project=3"),
        (lambda: Project.ref(3).review_tags.all(), "v2/projects/3/review-tags/?"),
        (lambda: DataCollection.ref(4).groups.all(), "v2/data-collections/4/groups/?"),
    ],
)  # fmt: skip
def test_filters_and_sets_have_their_addresses(query: Callable[[], Any], target: str) -> None:
    """A session that speaks both generations asks the one that has them."""
    with Session("https://h.invalid", api_token="t"):
        asked = str(query().explain()).partition("\n")[0].partition("invalid/")[2]

    assert asked.startswith(target)


def test_a_run_names_its_job() -> None:
    """In lists by its key and status, in details as a whole row."""
    replies = {
        "GET v2/trains/": page({**RUN, "experiment": 7, "is_tune": False}),
        "GET v2/trains/1/": one({"id": 1, "experiment": 7, "job": NESTED, "name": "n", "checkpoint": None}),
    }
    with CannedSession(replies) as session:
        (train,) = Train.objects.all()
        assert (7, "0f", "RUNNING") == (train.experiment_id, train.job_id, train.job_status)

        train.refresh()
        assert ("n", "SUCCEEDED", "train") == (train.name, train.job_status, train.job.action)
    assert 2 == len(session.requests)


def test_an_experiment_lives() -> None:
    """It is created with its kind of task, changed, and deleted with its runs."""
    row = {"id": 7, "name": "E", "task_id": 2, "access_level": "private", "is_archived": False}
    replies = {
        "POST v2/experiments/": one(row),
        "PATCH v2/experiments/7/": one({**row, "name": "F"}),
        "DELETE v2/experiments/7/": one({"experiment_id": 7, "trains_deleted": 3}),
    }
    with CannedSession(replies) as session:
        made = Experiment.objects.create(name="E", task_type=2)
        made.name = "F"
        made.save()
        made.delete()

    assert [{"name": "E", "task": 2}, {"name": "F"}] == [request.json for request in session.requests[:2]]


def test_a_review_is_written_and_never_moves() -> None:
    """What it is about is set once; its words and tags may change."""
    row = {"id": 5, "assignment_id": 7, "scope": "assignment", "description": "d", "tags": [1]}
    replies = {"POST v2/reviews/": one(row), "PATCH v2/reviews/5/": one({**row, "tags": [2]})}
    with CannedSession(replies) as session:
        review = Assignment.ref(7).reviews.create(description="d", tags=[1])
        review.tags = [2]
        review.save()
        review.scope = "group"
        with pytest.raises(UnsupportedError, match=r"Review\.scope cannot be written on API v2"):
            review.save()

    assert [{"description": "d", "tags": [1], "assignment": 7}, {"tags": [2]}] == [
        request.json for request in session.requests
    ]


def test_review_tags_are_made_below_a_project_and_stand_alone() -> None:
    """Lists and creations need the project, single ones do not."""
    row = {"id": 5, "project_id": 3, "name": "blurred", "background_color": "#ff0000", "description": ""}
    replies = {
        "POST v2/projects/3/review-tags/": one(row),
        "GET v2/projects/3/review-tags/": page({"id": 5, "name": "blurred"}),
        "GET v2/review-tags/5/": one(row),
        "DELETE v2/review-tags/5/": None,
    }
    with CannedSession(replies):
        made = Project.ref(3).review_tags.create(name="blurred", background_color="#ff0000")
        (listed,) = Project.ref(3).review_tags

        assert (made, 3, "#ff0000") == (listed, listed.project_id, listed.background_color)
        ReviewTag.objects.get(5).delete()


@pytest.mark.parametrize("cls", [Train, Upload, Export])
def test_runs_are_made_by_plugins(cls: Any) -> None:
    """Nothing is sent to make one here."""
    with CannedSession({}), pytest.raises(QueryError, match=r"is made by plugin\.run"):
        cls().save()


@pytest.mark.parametrize("cls", [Experiment, Train, Review, ReviewTag, Upload, Export])
def test_another_generation_refuses_them(cls: Any) -> None:
    """By its name, before anything is sent."""
    with CannedSession({}, api="v1") as session, pytest.raises(UnsupportedError, match="on API v2 only"):
        cls.objects.first()

    assert [] == session.requests
