"""Rows that are addressed below another object: whatever is done with one knows its parent."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import (
    BulkError,
    GroundTruthVersion,
    Job,
    Project,
    Task,
    TaskTag,
    UnsupportedError,
    WriteUnconfirmedError,
)
from synapse.testing import CannedSession

TAGS = "v2/projects/3/tags/"
ROW = {"id": 5, "name": "n", "category": "project", "created": None}
WHOLE = {**ROW, "project_id": 3, "description": "d", "meta": {}}


def backend(**replies: Any) -> CannedSession:
    """Return a session that speaks API v2 to a project with one tag."""
    known = {
        f"GET {TAGS}": {"data": [ROW], "meta": {"pagination": {"next_cursor": None}}},
        f"GET {TAGS}5/": {"data": WHOLE, "meta": {}},
        f"PATCH {TAGS}5/": {"data": {**WHOLE, "name": "m"}, "meta": {}},
        f"DELETE {TAGS}5/": None,
        f"POST {TAGS}": {"data": WHOLE, "meta": {}},
    }
    return CannedSession({**known, **replies}, api="v2")


def test_what_a_list_leaves_out_is_read_below_its_parent() -> None:
    """The list told whose its rows are."""
    with backend() as session:
        (tag,) = Project.ref(3).tags

        assert ("d", 3) == (tag.description, tag.project_id)
    assert [TAGS, f"{TAGS}5/"] == [request.path for request in session.requests]


def test_it_is_changed_and_deleted_there() -> None:
    """As well as created."""
    with backend() as session:
        tag = TaskTag.objects.create(project=3, name="n")
        tag.name = "m"
        tag.save()
        tag.delete()

    assert [TAGS, f"{TAGS}5/", f"{TAGS}5/"] == [request.path for request in session.requests]


def test_it_is_got_by_its_key_there() -> None:
    """In one request, where the set says whose it is."""
    with backend() as session:
        assert 5 == Project.ref(3).tags.get(5).pk

    assert [f"{TAGS}5/"] == [request.path for request in session.requests]


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_many_are_written_there(verb: str) -> None:
    """By the parent that the query names."""
    with backend() as session:
        tags = Project.ref(3).tags.all()
        done = tags.update(name="m") if verb == "update" else tags.delete()

    assert 1 == len(done)
    assert f"{TAGS}5/" == session.requests[-1].path


def test_a_key_alone_does_not_tell_where_it_is() -> None:
    """That is refused before anything is sent."""
    with backend() as session:
        for ask in (lambda: TaskTag.objects.get(5), lambda: GroundTruthVersion.ref(5).refresh()):
            with pytest.raises(UnsupportedError, match="objects of one"):
                ask()

    assert [] == session.requests


def test_verbs_are_answered_in_the_shapes_of_the_api() -> None:
    """An annotation alone is the answer to an annotation, and lines lie within an object."""
    replies = {
        "PUT v2/tasks/7/annotate-task-data/": {"data": {"assets": {}}, "meta": {}},
        "GET v2/jobs/0f/console_logs/": {"data": {"logs": ["a", "b"]}, "meta": {}},
    }
    with backend(**replies):
        assert {"assets": {}} == Task.ref(7).annotate({"assets": {}}).data
        assert ["a", "b"] == Job.ref("0f").console_logs()


@pytest.mark.parametrize(("verb", "method"), [("save", "PATCH"), ("delete", "DELETE")])
@pytest.mark.parametrize("many", [False, True])
def test_a_lost_answer_is_asked_about_there(verb: str, method: str, many: bool) -> None:
    """The question knows whose the row is, whether an object or a query was written."""
    lost = {f"{method} {TAGS}5/": WriteUnconfirmedError("no answer")}
    with backend(**lost) as session:
        tags = Project.ref(3).tags
        tag = tags.get(5)
        tag.name = "m"
        with pytest.raises((WriteUnconfirmedError, BulkError)) as caught:
            if many:
                tags.update(name="m") if verb == "save" else tags.all().delete()
            else:
                getattr(tag, verb)()
        error = caught.value.failed[0][1] if isinstance(caught.value, BulkError) else caught.value

        assert "TaskTag 5" in error.resolve(wait=0).reason  # type: ignore[attr-defined]
    assert ("GET", f"{TAGS}5/") == (session.requests[-1].method, session.requests[-1].path)
