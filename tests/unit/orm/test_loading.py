"""From rows to objects, and what an object loads later."""

from __future__ import annotations

import gc

from typing import Any

import pytest

from synapse import Assignment, DataUnit, FetchMode, GroundTruthEvent, MappingError, QueryError, Storage, Task
from synapse.errors import NotFoundError
from synapse.testing import assert_requests, canned, page
from tests.unit.orm.rows import served, task, unit

TASKS = "GET sdk/tasks/"
LIGHT = "GET sdk/tasks/data/"


def bare(*keys: int, **replies: Any) -> list[Task]:
    """Tasks of which the list gave nothing but the keys; *replies* are what may be asked later."""
    session = canned({TASKS: page(*({"id": key} for key in keys))})
    tasks = list(Task.objects.using(session).only("id"))
    session.replies = {f"GET {path}": answer for path, answer in replies.items()}
    session.requests.clear()
    return tasks


class TestDeferred:
    def test_is_loaded_once_for_all_rows_in_use(self):
        """One list gives the field to every row of the page that is still in use."""
        tasks = bare(1, 2, 3, **{"sdk/tasks/": served([task(1), task(2), task(3)])})
        del tasks[1]
        gc.collect()

        assert [{"n": 1}, {"n": 3}] == [each.meta for each in tasks]
        (request,) = tasks[0]._state.session.requests
        assert ("id__in", "1,3") in request.params

    def test_leaves_rows_alone_that_have_it(self):
        """A row that has the field already is not asked for again, and keeps its edits."""
        tasks = bare(1, 2, 3, **{"sdk/tasks/": served([task(1), task(2)]), "tasks/3/": task(3)})
        tasks[2].meta["k"] = 1

        assert {"n": 1} == tasks[0].meta
        assert {"meta": {"n": 3, "k": 1}} == tasks[2].changes

    def test_missing_in_the_list_is_read_from_the_object(self):
        """A row that the list did not give (the backend caps its pages) is got on its own."""
        tasks = bare(1, 2, **{"sdk/tasks/": served([task(1)]), "tasks/2/": task(2)})

        assert {"n": 2} == tasks[1].meta

    def test_of_a_full_row_is_loaded_for_it_alone(self):
        """Where rows were not narrowed on purpose, an odd one that lacks a field is got on its own."""
        lacking = {name: value for name, value in task(2).items() if name != "meta"}
        session = canned({TASKS: page(task(1), lacking), "GET tasks/2/": task(2)})
        tasks = list(Task.objects.using(session))

        with assert_requests(1, session=session):
            assert {"n": 2} == tasks[1].meta

    def test_heavy_field_comes_by_the_light_list(self):
        """A field that has a list of its own is read from there, even for one object."""
        session = canned({LIGHT: page({"id": 5, "data": {"a": 1}})})

        with session:
            assert {"a": 1} == Task.ref(5).data

    def test_in_mode_one_is_loaded_for_the_row_alone(self):
        """With `FetchMode.ONE` rows do not know of each other."""
        session = canned({TASKS: page({"id": 1}, {"id": 2}), "GET tasks/2/": task(2)})
        tasks = list(Task.objects.using(session).only("id").fetch_mode(FetchMode.ONE))

        assert {"n": 2} == tasks[1].meta

    def test_of_a_deleted_object_says_so(self):
        """Where the object is gone, its DoesNotExist is raised."""
        gone = NotFoundError(
            "Not found.", status_code=404, response={"detail": "Not found."}, request_id="r-1"
        )

        with canned({"GET tasks/5/": gone}), pytest.raises(Task.DoesNotExist, match="any more") as caught:
            Task.ref(5).meta
        assert ({"detail": "Not found."}, "r-1") == (caught.value.response, caught.value.request_id)

    def test_that_the_backend_does_not_send_is_a_mapping_error(self):
        """A field that stays away is named, instead of asking for ever."""
        replies = {"GET tasks/5/": {"id": 5}, TASKS: page({"id": 5})}

        with canned(replies), pytest.raises(MappingError, match="sends no such field"):
            Task.ref(5).meta

    def test_that_only_the_list_carries_is_read_from_there(self):
        """A field that single objects lack is looked for in the list."""
        with canned({"GET tasks/5/": {"id": 5}, TASKS: page(task(5))}):
            assert {"n": 5} == Task.ref(5).meta

    def test_parameter_is_sent_where_a_field_needs_one(self):
        """Unit files come with `expand=files`, a storage's settings with `with_configuration`."""
        with canned(
            {"GET data_units/5/": unit(5), "GET storages/1/": {"id": 1, "configuration": {}}}
        ) as session:
            assert ({}, {}) == (DataUnit.ref(5).files, Storage.ref(1).configuration)

        assert ["data_units/5/?expand=files", "storages/1/?with_configuration=true"] == [
            request.target for request in session.requests
        ]

    def test_of_an_entity_without_single_objects_is_refused(self):
        """Where the wire has no single objects, a reference cannot load anything."""
        with canned({}), pytest.raises(QueryError, match="no single GroundTruthEvent"):
            GroundTruthEvent.ref(5).category


class TestLazyFields:
    def test_that_do_not_fit_name_the_object(self):
        """A structured field is checked when it is read; the error names field and object."""
        session = canned({TASKS: page(task(7, files={"image_1": 5}))})
        (found,) = Task.objects.using(session)

        with pytest.raises(MappingError, match=r"Task\.files of 7"):
            found.files

    def test_that_are_null_are_none(self):
        """Null is a value: nothing is loaded for it."""
        session = canned({TASKS: page(task(1, meta=None))})
        (found,) = Task.objects.using(session)

        with assert_requests(0, session=session):
            assert found.meta is None

    def test_are_the_same_object_each_time(self):
        """A JSON field is opened once, so that edits inside it are kept."""
        (found,) = Task.objects.using(canned({TASKS: page(task(1))}))

        assert found.meta is found.meta

    def test_of_a_new_object_have_their_defaults(self):
        """An unsaved object reads its defaults, each its own, and the backend's fields as None."""
        one, two = (DataUnit(data_collection_id=1, files={}) for _ in range(2))
        one.meta["k"] = 1

        assert ({"k": 1}, {}, None, []) == (one.meta, two.meta, one.created, one.groups)


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
