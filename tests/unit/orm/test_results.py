"""Prefetched relations: which requests load them, and for which rows."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import (
    FetchMode,
    Project,
    QueryError,
    Task,
    TaskTag,
    TransportError,
)
from synapse.errors import NotFoundError
from synapse.testing import CannedSession, assert_requests, canned, page
from tests.unit.orm.rows import project, task, unit

TASKS = "GET sdk/tasks/"
GONE = NotFoundError("Not found.", status_code=404)


def tasks(session: CannedSession, **how: Any) -> list[Task]:
    """The tasks that a session has."""
    return list(Task.objects.using(session, **how))


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

    def test_prefetch_loads_the_key_it_hangs_on_where_lists_lack_it(self):
        """Such as projects by API v2, whose list names no collection."""
        listed = {"id": 1, "title": "signs"}
        session = canned(
            {
                "GET v2/projects/": {"data": [listed], "meta": {"pagination": {"next_cursor": None}}},
                "GET v2/projects/1/": {"data": {**listed, "data_collection_id": 7}, "meta": {}},
                "GET v2/data-collections/7/": {"data": {"id": 7, "name": "photos"}, "meta": {}},
            },
            api="v2",
        )
        (found,) = Project.objects.using(session).prefetch_related("data_collection")

        with assert_requests(0, session=session):
            assert "photos" == found.data_collection.name

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
