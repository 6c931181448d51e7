"""From rows to objects."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import Assignment, QueryError, Task
from synapse.testing import assert_requests, canned, page
from tests.unit.orm.rows import task, unit

TASKS = "GET sdk/tasks/"
LIGHT = "GET sdk/tasks/data/"


class TestRefresh:
    def test_loads_everything_anew(self):
        """Changes are dropped, and values are those of the backend."""
        session = canned({TASKS: page(task(1)), "GET tasks/1/": task(1, is_discarded=True, meta={"n": 2})})
        (found,) = Task.objects.using(session)
        found.meta["k"] = 1

        found.refresh()

        assert ({}, True, {"n": 2}) == (found.changes, found.is_discarded, found.meta)

    def test_keeps_the_opened_value_where_nothing_changed(self):
        """Who holds on to a field's value goes on holding the object's own."""
        session = canned({TASKS: page(task(1)), "GET tasks/1/": task(1)})
        (found,) = Task.objects.using(session)
        meta = found.meta

        found.refresh()

        assert meta is found.meta

    def test_needs_a_saved_object(self):
        """There is nothing to load for a new object."""
        with pytest.raises(QueryError, match="not saved yet"):
            Task(project_id=1, data_unit_id=1).refresh()


class TestSave:
    def test_keeps_related_objects(self):
        """What a key still names need not be fetched again after saving, nor what was prefetched."""
        session = canned(
            {
                "GET sdk/tasks/": page(task(1)),
                "GET sdk/assignments/": page(),
                "PATCH tasks/1/": task(1, is_discarded=True),
            }
        )
        session.replies |= {"GET projects/1/": {"id": 1}, "GET data_units/101/": {"id": 101, "meta": {}}}
        (found,) = Task.objects.using(session).prefetch_related("project", "assignments")
        unit, found.is_discarded = found.data_unit, True
        found.save()

        with assert_requests(0, session=session):
            assert (1, [], unit) == (found.project.id, list(found.assignments), found.data_unit)

    def test_drops_a_related_object_that_was_exchanged(self):
        """Where the answer names another one, that is loaded; one that came nested is taken."""
        session = canned({"GET sdk/tasks/": page(task(1)), "GET projects/1/": {"id": 1}})
        session.replies |= {"GET projects/2/": {"id": 2}, "GET data_units/101/": {"id": 101, "meta": {}}}
        session.replies["PATCH tasks/1/"] = task(
            1, project=2, is_discarded=True, data_unit={"id": 101, "meta": {"new": 1}}
        )
        (found,) = Task.objects.using(session).prefetch_related("project", "data_unit")
        found.is_discarded = True
        found.save()

        assert (2, {"new": 1}) == (found.project.id, found.data_unit.meta)


class TestShapes:
    def test_expanded_relation_gives_key_and_object(self):
        """A nested object stands for its key, and is opened when it is touched."""
        session = canned({TASKS: page(task(1, data_unit=unit(101)), task(2, data_unit=unit(101)))})
        one, two = Task.objects.using(session).select_related("data_unit")

        with assert_requests(0, session=session):
            assert (101, {"unit": 101}, True) == (
                one.data_unit_id,
                one.data_unit.meta,
                one.data_unit is two.data_unit,
            )

    def test_nested_reverse_set_is_already_answered(self):
        """Rows of a to-many relation that came along need no request."""
        log = {"id": 1, "job": "j-1", "event": "step", "datetime": "2026-03-01T09:00:00Z"}
        session = canned({"GET jobs/j-1/": {"id": "j-1", "status": "RUNNING", "logs": [log]}})
        job = session_jobs(session).select_related("logs").get("j-1")

        with assert_requests(1 - 1, session=session):
            assert (["step"], {}) == ([each.event for each in job.logs], job.extra)

    def test_reverse_set_that_is_no_list_of_objects_is_kept_as_extra(self):
        """Keys of related rows are not taken for the rows."""
        session = canned({"GET jobs/j-1/": {"id": "j-1", "logs": [1, 2]}})

        assert {"logs": [1, 2]} == session_jobs(session).get("j-1").extra

    def test_assignment_with_a_unit_summary_has_no_key_for_it(self):
        """A nested object without a key leaves the relation empty."""
        row = {"id": 1, "task": 2, "data_unit": {"meta": {"a": 1}, "files": []}}
        (found,) = Assignment.objects.using(canned({"GET sdk/assignments/": page(row)}))

        assert found.data_unit_id is None


def session_jobs(session: Any) -> Any:
    """Jobs through this session."""
    from synapse import Job

    return Job.objects.using(session)
