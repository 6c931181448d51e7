"""What rows that are reached from others inherit: their owner, and the fetch mode."""

from __future__ import annotations

import copy
import pickle

from typing import Any

import pytest

from synapse import FetchMode, Plugin, Project, QueryError, Task
from synapse.testing import assert_requests, canned, page
from tests.unit.orm.rows import project, task
from tests.unit.orm.stored import stored

TASKS = "GET sdk/tasks/"

OWN: dict[str, Any] = {
    "iteration": lambda tasks: list(tasks)[0],
    "iterator": lambda tasks: next(tasks.iterator()),
    "filter": lambda tasks: tasks.filter(is_discarded=False)[0],
    "get": lambda tasks: tasks.get(id=1),
    "first": lambda tasks: tasks.first(),
    "last": lambda tasks: tasks.last(),
    "slice": lambda tasks: tasks[:1][0],
    "in_bulk": lambda tasks: tasks.in_bulk([1])[1],
    "resume": lambda tasks: next(tasks.resume(tasks.iterator().checkpoint)),
    "shards": lambda tasks: tasks.shards(1)[0][0],
    "create": lambda tasks: tasks.create(data_unit=7),
    "bulk_create": lambda tasks: tasks.bulk_create([Task(project=1, data_unit=7)])[0],
}
MODES = {
    **OWN,
    "refresh": lambda tasks: tasks[0].refresh(),
    "owner": lambda tasks: tasks[0].project.tasks[0],
    "copy": lambda tasks: copy.copy(tasks[0]),
    "pickle": lambda tasks: pickle.loads(pickle.dumps(tasks[0])),
}
SETS: dict[str, Any] = {
    "got": lambda projects: projects.get(1),
    "prefetched": lambda projects: projects.prefetch_related("tasks").get(1),
    "of a list": lambda projects: projects.prefetch_related("tasks")[0],
}


class TestOwners:
    @pytest.mark.combinations("way, kind", OWN, SETS)
    def test_are_known_to_the_rows_of_their_sets(self, way: str, kind: str):
        """A row of `project.tasks` has that very project, without a request, and sees its edits."""
        owner = SETS[kind](Project.objects.using(stored(1)))
        row = OWN[way](owner.tasks)
        owner.title = "edited"

        with assert_requests(0, session=owner._state.session):
            assert row.project is owner
            assert "edited" == row.project.title

    def test_that_travelled_are_known_as_well(self):
        """An object out of a pickle goes to its own backend only, so it may be the owner of what it reads there."""
        with stored(1):
            owner = pickle.loads(pickle.dumps(Project.objects.get(1)))

            assert owner.tasks[0].project is owner

    def test_that_are_free_references_are_not_taken(self):
        """A reference goes by the session that is current when it is read; its rows stay with theirs."""
        with stored(1):
            owner = Project.ref(1)
            row = owner.tasks[0]
            made = owner.tasks.create(data_unit=7)

        assert (False, True) == (row.project is owner, made.project is owner)

    def test_are_not_taken_for_what_a_row_names_otherwise(self):
        """A row that shows another key has another owner."""
        odd = page(task(1, project=2))
        session = canned({"GET projects/1/": project(1), TASKS: odd, "GET projects/2/": project(2)})

        assert 2 == Project.objects.using(session).get(1).tasks[0].project.id

    def test_of_another_session_are_not_taken(self):
        """Rows that were read through another session have the owner of that one."""
        owner, other = Project.objects.using(stored(1)).get(1), stored(1)

        assert owner.tasks.using(other)[0].project is not owner

    def test_that_came_nested_win(self):
        """What the backend nested into the row is newer than what the caller holds."""
        nested = page(task(1, project=project(1, title="newer")))
        session = canned({"GET projects/1/": project(1), TASKS: nested})
        owner = Project.objects.using(session).get(1)

        assert "newer" == owner.tasks[0].project.title


class TestFetchModes:
    @pytest.mark.combinations("way, kind", MODES, SETS)
    def test_are_handed_on(self, way: str, kind: str):
        """Whatever is reached from a row of a RAISE query loads nothing by itself."""
        owner = SETS[kind](Project.objects.using(stored(1)).fetch_mode(FetchMode.RAISE))
        row = MODES[way](owner.tasks)

        with pytest.raises(QueryError, match="fetch_mode is RAISE"):
            row.data_unit

    def test_are_handed_on_to_rows_that_came_nested(self):
        """Rows that came inside of others go by the mode of those."""
        nested = project(1, tasks=[task(1)])
        session = canned({"GET projects/": page(nested)})
        [owner] = Project.objects.using(session).fetch_mode(FetchMode.RAISE)

        with pytest.raises(QueryError, match="fetch_mode is RAISE"):
            owner.tasks[0].data_unit

    def test_are_handed_on_to_sets_that_come_by_one_list(self):
        """A set that is prefetched for all its owners at once goes by their mode."""
        rows = page({"id": 10, "task": 1, "data_unit": 5})
        session = canned({TASKS: page(task(1)), "GET sdk/assignments/": rows})
        [row] = Task.objects.using(session).fetch_mode(FetchMode.RAISE).prefetch_related("assignments")

        with pytest.raises(QueryError, match="fetch_mode is RAISE"):
            row.assignments[0].data_unit

    def test_are_handed_on_to_what_a_verb_made(self):
        """The job of a plugin that came by a RAISE query loads nothing by itself."""
        row = {"id": 1, "code": "c", "name": "n"}
        session = canned({"GET plugins/1/": row, "POST plugins/1/run/": {"job_id": "b"}})
        plugin = Plugin.objects.using(session).fetch_mode(FetchMode.RAISE).get(1)

        with pytest.raises(QueryError, match="fetch_mode is RAISE"):
            plugin.run(action="train", params={}).status

    def test_are_handed_on_to_what_is_prefetched(self):
        """An object that a relation loaded goes by the mode of those that it was loaded for."""
        session = stored(1)
        [row] = Task.objects.using(session).fetch_mode(FetchMode.RAISE).prefetch_related("project")

        with pytest.raises(QueryError, match="fetch_mode is RAISE"):
            row.project.data_collection

    @pytest.mark.parametrize(
        "ask",
        [
            lambda query: query.update(meta={"n": 1}),
            lambda query: list(query.values("workshop")),
        ],
        ids=["update", "values"],
    )
    def test_do_not_hinder_what_was_asked_for(self, ask: Any):
        """A field that a verb names itself is loaded, where lists leave it out."""
        bare = {"id": 1, "project": 1, "data_unit": 5}
        session = canned(
            {
                TASKS: page(bare),
                "GET tasks/1/": task(1, workshop=4, meta={}),
                "PATCH tasks/1/": task(1, meta={"n": 1}),
            }
        )

        assert ask(Task.objects.using(session).fetch_mode(FetchMode.RAISE).filter(project=1))
