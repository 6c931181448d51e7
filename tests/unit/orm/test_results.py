"""Related objects: which requests load them, and for which rows."""

from __future__ import annotations

import gc

from typing import Any

import pytest

from synapse import (
    Assignment,
    FetchMode,
    MappingError,
    Project,
    QueryError,
    ServerError,
    Task,
    TaskTag,
    TransportError,
)
from synapse.errors import NotFoundError
from synapse.testing import CannedSession, assert_requests, canned, page
from tests.unit.orm.rows import project, served, task, unit

TASKS = "GET sdk/tasks/"
GONE = NotFoundError("Not found.", status_code=404)


def tasks(session: CannedSession, **how: Any) -> list[Task]:
    """The tasks that a session has."""
    return list(Task.objects.using(session, **how))


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


class TestToMany:
    def test_prefetch_asks_once_for_all_owners(self):
        """Where the lookup takes a list of owners, one request gives every set."""
        rows = [{"id": 10, "task": 1}, {"id": 11, "task": 3}]
        session = canned(
            {TASKS: page(*(task(key) for key in (1, 2, 3))), "GET sdk/assignments/": page(*rows)}
        )

        found = Task.objects.using(session).prefetch_related("assignments")

        assert [[10], [], [11]] == [[each.id for each in owner.assignments] for owner in found]
        assert 2 == len(session.requests)

    def test_prefetch_asks_each_owner_otherwise(self):
        """Else each owner's set is asked for, and a failure is passed on."""
        session = canned({"GET projects/": page(project(1), project(2)), TASKS: page(task(1))})

        found = list(Project.objects.using(session).prefetch_related("tasks"))

        assert ([1, 1], 3) == ([len(each.tasks) for each in found], len(session.requests))

    def test_prefetch_passes_failures_on(self):
        """One owner's failure ends the query."""
        session = canned({"GET projects/": page(project(1), project(2)), TASKS: TransportError("broke")})

        with pytest.raises(TransportError, match="broke"):
            list(Project.objects.using(session).prefetch_related("tasks"))

    def test_prefetch_keeps_what_came_along(self):
        """A set that is here already is not asked for."""
        (found,) = Project.objects.using(canned({"GET projects/": page(project(1, tasks=[task(5)]))}))

        assert [5] == [each.id for each in found.tasks]

    def test_prefetch_twice_asks_once(self):
        """Paths that share their first step share its requests."""
        rows = page({"id": 10, "task": 1, "data_unit": 7})
        session = canned({TASKS: page(task(1)), "GET sdk/assignments/": rows, "GET data_units/7/": unit(7)})

        list(Task.objects.using(session).prefetch_related("assignments", "assignments__data_unit"))

        assert ["sdk/tasks/", "sdk/assignments/", "data_units/7/"] == [each.path for each in session.requests]

    @pytest.mark.parametrize(
        "narrow", [lambda query: query.only("meta"), lambda query: query.defer("project")]
    )
    def test_prefetch_fetches_the_key_it_hangs_on(self, narrow: Any):
        """A field that a prefetched relation needs is fetched, even where it was left out."""
        session = canned({TASKS: page(task(1), task(2)), "GET projects/1/": project(1)})

        list(narrow(Task.objects.using(session)).prefetch_related("project"))

        assert ["sdk/tasks/", "projects/1/"] == [each.path for each in session.requests]
        params = dict(session.requests[0].params)
        assert ("project" in params.get("fields", "project"), "project" in params.get("omit", "")) == (
            True,
            False,
        )

    def test_prefetch_of_nothing_sends_nothing(self):
        """Without rows there is nothing to prefetch for."""
        session = canned({TASKS: page()})

        assert [] == list(Task.objects.using(session).prefetch_related("assignments__task", "project"))
        assert 1 == len(session.requests)

    def test_prefetch_stops_where_a_path_ends(self):
        """Where the first step leads to nothing, the second has nothing to ask."""
        session = canned({TASKS: page(task(1)), "GET sdk/assignments/": page()})

        list(Task.objects.using(session).prefetch_related("assignments__task__project"))

        assert 2 == len(session.requests)

    def test_prefetch_for_a_single_object(self):
        """`get()` prefetches too."""
        session = canned({"GET tasks/1/": task(1), "GET sdk/assignments/": page({"id": 10, "task": 1})})

        found = Task.objects.using(session).prefetch_related("assignments").get(1)

        with assert_requests(0, session=session):
            assert 1 == len(found.assignments)

    def test_set_narrowed_asks_again(self):
        """A prefetched set answers itself; narrowed it is another question."""
        session = canned({TASKS: page(task(1)), "GET sdk/assignments/": page({"id": 10, "task": 1})})
        (found,) = Task.objects.using(session).prefetch_related("assignments")

        with assert_requests(1, session=session):
            assert (1, 1) == (found.assignments.count(), len(found.assignments.filter(is_discarded=False)))

    def test_set_of_a_reference_goes_through_the_current_session(self):
        """A reference without a session has the sets of whoever is current."""
        tags = Project.ref(3).tags

        with canned({"GET task_tags/": page({"id": 1, "name": "a", "project": 3})}):
            assert ["a"] == [each.name for each in tags]

    def test_set_over_many_to_many_creates_without_a_link(self):
        """A tag's tasks have no field for the tag, so nothing is filled in."""
        assert ({}, {"project_id": 3}) == (TaskTag.ref(1).tasks._initial, Project.ref(3).tags._initial)

    def test_prefetched_set_stays_answered(self):
        """`all()` on it asks no more than the set itself; a narrowed one asks again."""
        session = canned({TASKS: page(task(1)), "GET sdk/assignments/": page({"id": 10, "task": 1})})
        (found,) = Task.objects.using(session).prefetch_related("assignments")

        with assert_requests(0, session=session):
            assert [10] == [each.id for each in found.assignments.all().all()]
        with assert_requests(1, session=session):
            found.assignments.all().filter(is_discarded=False).count()

    def test_new_member_knows_its_owner(self):
        """What is created through a set need not fetch whom it belongs to."""
        session = canned(
            {"GET projects/1/": project(1), "POST task_tags/": {"id": 5, "project": 1, "name": "n"}}
        )
        owner = Project.objects.using(session).get(1)

        assert owner.tags.create(name="n").project is owner

    def test_of_a_deleted_object_are_refused(self):
        """The backend would ignore or refuse its key; nothing is sent."""
        session = canned({"GET projects/1/": project(1), "DELETE projects/1/": None})
        owner = Project.objects.using(session).get(1)
        owner.delete()

        with assert_requests(0, session=session), pytest.raises(QueryError, match="Project 1 was deleted"):
            owner.tasks.count()


class TestPaths:
    @pytest.mark.parametrize("path", ["assignments__task__project", "project__tags", "data_unit"])
    def test_may_lead_either_way(self, path: str):
        """Every step may be a relation of either kind."""
        assert (path,) == Task.objects.prefetch_related(path).query.prefetch

    def test_are_checked_step_by_step(self):
        """The error names the entity that lacks the step, and its relations."""
        with pytest.raises(
            QueryError, match=r"Project has no relation 'tsaks' \(did you mean 'tasks'\?\).*tags"
        ):
            Task.objects.prefetch_related("project__tsaks")


class TestRaise:
    def test_prefetched_relations_may_be_read(self):
        """`FetchMode.RAISE` refuses what is not here; what is, it gives."""
        session = canned({TASKS: page(task(1, workshop=None)), "GET projects/1/": project(1)})
        query = Task.objects.using(session).prefetch_related("project").fetch_mode(FetchMode.RAISE)

        (found,) = query

        assert "project 1" == found.project.title
        with pytest.raises(QueryError, match="fetch_mode is RAISE"):
            found.project.data_collection


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
