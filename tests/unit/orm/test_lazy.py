"""What an object loads when it is read: deferred fields and related objects."""

from __future__ import annotations

import gc

from typing import Any

import pytest

from synapse import (
    Assignment,
    DataUnit,
    FetchMode,
    GroundTruthEvent,
    MappingError,
    Project,
    QueryError,
    ServerError,
    Storage,
    Task,
    TransportError,
)
from synapse.errors import NotFoundError
from synapse.testing import CannedSession, assert_requests, canned, page
from tests.unit.orm.rows import project, served, task, unit

TASKS = "GET sdk/tasks/"
LIGHT = "GET sdk/tasks/data/"
GONE = NotFoundError("Not found.", status_code=404)


def bare(*keys: int, **replies: Any) -> list[Task]:
    """Tasks of which the list gave nothing but the keys; *replies* are what may be asked later."""
    session = canned({TASKS: page(*({"id": key} for key in keys))})
    tasks = list(Task.objects.using(session).only("id"))
    session.replies = {f"GET {path}": answer for path, answer in replies.items()}
    session.requests.clear()
    return tasks


def tasks(session: CannedSession, **how: Any) -> list[Task]:
    """The tasks that a session has."""
    return list(Task.objects.using(session, **how))


@pytest.mark.parametrize("mode", FetchMode)
def test_what_is_named_comes_with_its_rows_whatever_the_mode(mode: FetchMode) -> None:
    """A list of API v2 lacks it: it is loaded at once, and nothing is left to load."""
    listed = {"data": [{"id": 1}, {"id": 2}], "meta": {"pagination": {"next_cursor": None}}}
    single = {f"GET v2/tasks/{key}/": {"data": {"id": key, "meta": {"n": key}}} for key in (1, 2)}
    with canned({"GET v2/tasks/": listed, **single}) as session:
        rows = list(Task.objects.via("v2").only("meta").fetch_mode(mode))
        asked = len(session.requests)

        assert [{"n": 1}, {"n": 2}] == [row.meta for row in rows]
    assert 3 == asked == len(session.requests)


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


class TestToOne:
    def test_of_few_keys_gets_them_one_by_one(self):
        """Up to two objects are got by their keys."""
        session = canned(
            {
                "GET sdk/assignments/": page(*({"id": key, "task": key} for key in (1, 2))),
                "GET tasks/1/": task(1),
                "GET tasks/2/": task(2),
            }
        )
        found = list(Assignment.objects.using(session))

        with assert_requests(2, session=session):
            assert [{"n": 1}, {"n": 2}] == [each.task.meta for each in found]

    def test_of_many_keys_asks_for_a_list_of_them(self):
        """From three on, a list of keys is one request, where the entity takes one."""
        rows = [{"id": key, "task": key} for key in (1, 2, 3)]
        session = canned({"GET sdk/assignments/": page(*rows), TASKS: served([task(1), task(2), task(3)])})
        found = list(Assignment.objects.using(session))

        with assert_requests(1, session=session):
            assert [1, 2, 3] == [each.task.meta["n"] for each in found]

    def test_of_many_keys_goes_through_the_owners(self):
        """Where only the owners can be listed, their nested rows are taken."""
        rows = [task(key) for key in (1, 2, 3)]
        nested = [task(key, data_unit=unit(100 + key)) for key in (1, 2, 3)]
        session = canned({TASKS: page(*rows)})
        found = tasks(session)
        session.replies[TASKS] = served(nested)

        with assert_requests(1, session=session) as calls:
            assert [101, 102, 103] == [each.data_unit.meta["unit"] for each in found]
        assert "expand=data_unit" in calls[0].url

    def test_asks_for_rows_that_the_list_left_out(self):
        """What a list did not give is got by key, each for itself."""
        rows = [{"id": key, "task": key} for key in (1, 2, 3)]
        session = canned({"GET sdk/assignments/": page(*rows), TASKS: page(task(1)), "GET tasks/2/": task(2)})
        session.replies["GET tasks/3/"] = GONE
        found = list(Assignment.objects.using(session))

        assert [{"n": 1}, {"n": 2}] == [each.task.meta for each in found[:2]]
        with pytest.raises(Task.DoesNotExist, match="Assignment 3 points to Task 3"):
            found[2].task

    @pytest.mark.parametrize("odd", ["no row", {"meta": {}}, {"id": [1]}, None])
    def test_asks_by_key_for_what_a_list_gives_without_one(self, odd):
        """Rows of a related list that are no objects, or have no key, are left out."""
        rows = [{"id": key, "task": key} for key in (1, 2, 3)]
        session = canned({"GET sdk/assignments/": page(*rows), TASKS: page(odd, task(2), task(3))})
        session.replies["GET tasks/1/"] = task(1)

        assert [1, 2, 3] == [each.task.meta["n"] for each in Assignment.objects.using(session)]

    @pytest.mark.parametrize("odd", ["no row", task(1, data_unit={"meta": {}})])
    def test_asks_by_key_for_what_an_owner_does_not_nest(self, odd):
        """The same holds for lists of owners."""
        session = canned({TASKS: page(*(task(key) for key in (1, 2, 3)))})
        found = tasks(session)
        session.replies |= {
            TASKS: page(odd),
            **{f"GET data_units/{100 + n}/": unit(100 + n) for n in (1, 2, 3)},
        }

        assert [101, 102, 103] == [each.data_unit.meta["unit"] for each in found]

    def test_of_a_related_list_without_keys_is_not_read_for_ever(self):
        """Where the list names a next page, but none of its rows a key, the objects are got one by one."""
        rows = [{"id": key, "task": key} for key in (1, 2, 3)]
        single = {f"GET tasks/{key}/": task(key) for key in (1, 2, 3)}
        lists = {"GET sdk/assignments/": page(*rows), TASKS: page("no row", next="/?page=2")}
        found = list(Assignment.objects.using(session := canned({**lists, **single})))

        with assert_requests(4, session=session):
            assert {"n": 1} == found[0].task.meta

    def test_of_what_is_no_row_is_not_kept(self):
        """An answer that is no object is told each time, and not taken from the cache."""
        session = canned({TASKS: page(task(1)), "GET projects/1/": [1]})
        (found,) = tasks(session)

        for _ in range(2):
            with pytest.raises(MappingError, match="no key 'id'"):
                found.project
        assert (3, 0) == (len(session.requests), len(session.cache))

    @pytest.mark.parametrize(
        "load",
        [
            lambda session: Project.objects.using(session).get(1),
            lambda session: Project.objects.using(session).in_bulk([1]),
            lambda session: tasks(session)[0].project,
            lambda session: list(Task.objects.using(session).prefetch_related("project")),
        ],
        ids=["get", "in_bulk", "relation", "prefetch"],
    )
    def test_of_another_key_is_refused(self, load):
        """The row of another object is never taken for the one that was asked for, nor kept."""
        session = canned({TASKS: page(task(1)), "GET projects/1/": project(2)})

        with pytest.raises(TransportError, match="expected Project 1, got 2"):
            load(session)
        assert 0 == len(session.cache)

    def test_of_a_row_that_a_write_overtook_is_not_kept(self):
        """What was asked for before a write came in between does not enter the cache."""
        session = canned({TASKS: page(task(1))})

        def overtaken(request: object) -> Any:
            session.cache.drop("projects", 1)
            return project(1)

        session.replies["GET projects/1/"] = overtaken
        titles = [tasks(session)[0].project.title for _ in range(2)]

        assert (["project 1"] * 2, 4) == (titles, len(session.requests))

    def test_passes_on_what_is_no_missing_object(self):
        """A failure of the backend is raised as such, not taken for a missing object."""
        session = canned({TASKS: page(task(1)), "GET projects/1/": ServerError("oops", status_code=500)})

        with pytest.raises(ServerError, match="oops"):
            tasks(session)[0].project

    def test_of_rows_that_are_gone_is_not_loaded(self):
        """Rows that nobody holds any more are not fetched for."""
        rows = [task(key, project=key) for key in (1, 2)]
        session = canned({TASKS: page(*rows), "GET projects/2/": project(2)})
        last = tasks(session)[1]
        gc.collect()

        with assert_requests(1, session=session):
            assert "project 2" == last.project.title

    def test_skips_rows_whose_key_is_deferred(self):
        """A peer that does not know its key yet is left for later."""
        session = canned({TASKS: page(task(1), {"id": 2}), "GET projects/1/": project(1)})

        assert "project 1" == tasks(session)[0].project.title

    def test_loads_a_deferred_key_first(self):
        """Touching a relation whose key was left out loads the key, then the object."""
        session = canned({TASKS: page({"id": 1}), "GET tasks/1/": task(1), "GET projects/1/": project(1)})
        (found,) = Task.objects.using(session).only("id")

        assert "project 1" == found.project.title

    def test_that_comes_with_the_deferred_key_needs_no_more(self):
        """Where the row that brings the key brings the object as well, that is taken."""
        session = canned({TASKS: page({"id": 1}), "GET tasks/1/": task(1, project=project(4))})
        (found,) = Task.objects.using(session).only("id")

        with assert_requests(1, session=session):
            assert "project 4" == found.project.title

    def test_through_a_row_that_lost_its_target(self):
        """Where an owner's nested row is null, the object is got by key, and may turn out to be gone."""
        session = canned({TASKS: page(*(task(key) for key in (1, 2, 3)))})
        found = tasks(session)
        nested = [task(1, data_unit=None), task(2, data_unit=unit(102)), task(3, data_unit=unit(103))]
        session.replies |= {TASKS: served(nested), "GET data_units/101/": GONE}

        assert {"unit": 102} == found[1].data_unit.meta
        with pytest.raises(Exception, match="points to DataUnit 101, which does not exist"):
            found[0].data_unit

    def test_that_came_nested_is_not_prefetched_again(self):
        """What `select_related` brought along is not asked for by `prefetch_related`."""
        session = canned({TASKS: page(task(1, data_unit=unit(101)))})

        (found,) = Task.objects.using(session).select_related("data_unit").prefetch_related("data_unit")

        assert ({"unit": 101}, 1) == (found.data_unit.meta, len(session.requests))

    def test_edits_do_not_reach_the_cache(self):
        """An edit of one related object is not seen in the next one that the cache gives."""
        session = canned({TASKS: served([task(1)]), "GET data_units/101/": unit(101)})
        query = Task.objects.using(session)
        query[0].data_unit.meta["k"] = 1

        assert {"unit": 101} == query.all()[0].data_unit.meta

    def test_unknown_mode_of_references_is_peers(self):
        """A reference loads its relation like any row."""
        with canned({"GET tasks/5/": task(5), "GET projects/1/": project(1)}):
            assert "project 1" == Task.ref(5).project.title


class TestNestedWithoutKey:
    ROWS = [
        {"id": number, "task": 1, "data_unit": {"meta": {"frame": number}, "files": {}}} for number in (1, 2)
    ]

    def test_is_read_all_the_same(self):
        """Units that assignments carry without a key stay apart, and can be read."""
        assignments = Assignment.objects.using(canned({"GET sdk/assignments/": page(*self.ROWS)}))

        assert [1, 2] == [each.data_unit.meta["frame"] for each in assignments]

    def test_cannot_be_asked_for_more(self):
        """What such a unit lacks is a typed error, and nothing is sent for it."""
        session = canned({"GET sdk/assignments/": page(*self.ROWS)})
        unit = Assignment.objects.using(session)[0].data_unit

        with pytest.raises(QueryError, match="is no key"):
            _ = unit.checksum
        assert 1 == len(session.requests)
