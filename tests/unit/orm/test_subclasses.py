"""Subclasses of entities: the same rows, links and guards as those of the class that they extend."""

from __future__ import annotations

import copy
import pickle

from collections.abc import Callable
from typing import Any

import pytest

from synapse import Assignment, MappingError, Project, QueryError, Task, TaskTag, WriteUnconfirmedError
from synapse.mapping import read_only
from synapse.orm import Entity, Manager, entity, queryset
from synapse.orm.record import entity_named
from synapse.testing import canned, page
from tests.unit.orm.lost import LOST, again, listed
from tests.unit.orm.lost import tag as made_tag
from tests.unit.orm.rows import project, served, task, unit


class MyProject(Project):
    """A project with a property that can be set, and one that cannot."""

    @property
    def label(self) -> str:
        """The title in capitals."""
        return self.title.upper()

    @label.setter
    def label(self, value: str) -> None:
        self.title = value.lower()

    @property
    def length(self) -> int:
        """How long the title is."""
        return len(self.title)


class MyTask(Task):
    """A task of one's own."""


class MyTag(TaskTag):
    """A tag of one's own."""


@entity("tasks", order_by=("id", "created"))
class RichTask(Task):
    """A task with a field more, which is an entity by itself."""

    colour: str = ""


def tag(key: int, **changes: Any) -> dict[str, Any]:
    """One tag of project 1."""
    return {"id": key, "project": 1, "name": f"tag {key}", **changes}


class TestSets:
    @pytest.mark.parametrize(
        "create",
        [
            lambda tags: tags.create(project=2, name="x"),
            lambda tags: tags.create(project_id=2, name="x"),
            lambda tags: tags.bulk_create([TaskTag(project=2, name="x")]),
            lambda tags: tags.get_or_create({"project": 2}, category="project"),
        ],
    )
    def test_refuse_what_is_linked_elsewhere(self, create: Callable[[Any], Any]):
        """Nothing is written into another project through the set of a subclass."""
        with canned({"GET task_tags/": page()}) as session, pytest.raises(MappingError, match="objects of 1"):
            create(MyProject.ref(1).tags)

        assert [] == [request for request in session.requests if request.method == "POST"]

    def test_fill_in_the_link(self):
        """`mine.tags.create(name=...)` knows the project, and the new tag knows its object."""
        with canned({"POST task_tags/": tag(9, name="x")}) as session:
            mine = MyProject.ref(1)
            made = mine.tags.create(name="x")

        assert ({"project": 1, "name": "x"}, mine) == (session.requests[0].json, made.project)

    @pytest.mark.parametrize("path", ["tags", "tasks", "tags__project"])
    def test_are_prefetched_in_as_few_requests(self, path: str):
        """As many as for the class that it extends."""
        replies = {
            "GET projects/": served([project(key) for key in range(1, 13)]),
            "GET projects/1/": project(1),
            "GET task_tags/": lambda request: page(tag(1)),
            "GET sdk/tasks/": lambda request: page(task(1)),
        }
        asked = []
        for cls in (Project, MyProject):
            with canned(replies) as session:
                list(cls.objects.prefetch_related(path))
            asked.append(sorted(request.target for request in session.requests))

        assert asked[0] == asked[1]


class TestProperties:
    def test_can_be_set(self):
        """A setter works as in any class, and what it sets is a change."""
        with canned({"GET projects/1/": project(1)}):
            mine = MyProject.objects.get(1)
            mine.label = "ABC"

        assert ({"title": "abc"}, "ABC") == (mine.changes, mine.label)

    def test_can_be_given_to_the_constructor(self):
        """They are set once the fields are, whatever the order."""
        assert "abc" == MyProject(label="ABC", title="x", category="image").title

    @pytest.mark.parametrize("name", ["length", "lable"])
    def test_others_are_refused(self, name: str):
        """Without a setter, or with a typo, nothing is set."""
        with pytest.raises(AttributeError, match="nothing was set"):
            setattr(MyProject.ref(1), name, 1)

    @pytest.mark.parametrize("name", ["title", "data_collection", "data_collection_id", "tasks"])
    def test_may_not_hide_a_field(self, name: str):
        """A row could not be kept in it."""
        with pytest.raises(MappingError, match=f"Hiding.{name} would hide a field of Project"):
            type("Hiding", (Project,), {name: property(lambda project: None)})


class TestLinks:
    def test_take_either_class(self):
        """A relation, a filter and a key take objects of the subclass and of its parent."""
        mine = MyProject.ref(1)

        assert (1, mine) == ((made := TaskTag(project=mine, name="x")).project_id, made.project)
        assert repr(TaskTag.objects.filter(project=1)) == repr(TaskTag.objects.filter(project=mine))
        assert (mine, Project.ref(1)) == (Project.ref(1), mine)

    @pytest.mark.parametrize("cls", [MyTask, RichTask])
    def test_of_rows_are_followed(self, cls: type[Task]):
        """Relations of a subclass load, nested by the backend or by their keys."""
        rows = [task(1, data_unit=unit(101), project=1), task(2, data_unit=unit(102), project=1)]
        replies = {"GET sdk/tasks/": page(*rows), "GET tasks/": page(*rows), "GET projects/1/": project(1)}
        with canned(replies):
            found = list(cls.objects.select_related("data_unit").filter(project=1))

            assert [(cls, 101, "project 1"), (cls, 102, "project 1")] == [
                (type(each), each.data_unit.pk, each.project.title) for each in found
            ]

    def test_of_an_entity_that_extends_another_are_inherited(self):
        """So are its sets, and it stands where its parent is asked for."""
        mine = RichTask.ref(4)

        assert Task._schema.relations == RichTask._schema.relations
        assert repr(Assignment.objects.filter(tasks=4)) == repr(mine.assignments)
        assert repr(mine.assignments) == repr(Assignment.objects.filter(tasks=mine))

    @pytest.mark.parametrize("key", [MyTask.ref(2), Task.ref(2)])
    def test_are_keys(self, key: Task):
        """`in_bulk()` and `get()` take objects as keys."""
        with canned({"GET sdk/tasks/": served([task(1), task(2)]), "GET tasks/2/": task(2)}):
            assert ([2], 2) == (list(MyTask.objects.in_bulk([key])), MyTask.objects.get(key).pk)


class TestWrites:
    def test_of_tags_go_by_the_wire(self):
        """The address does not depend on the name of the class."""
        with canned({"POST tasks/set_tags/": {}, "GET tasks/1/": task(1, tags=[3])}) as session:
            MyTask.ref(1).set_tags(add=[3])

        assert "tasks/set_tags/" == session.requests[0].path

    def test_that_are_lost_can_be_asked_about(self):
        """`resolve()` finds the row of a subclass."""
        answers = {"POST task_tags/": again(LOST), "GET task_tags/": listed(made_tag(5))}
        with canned(answers, timeout={"connect": 1, "read": 0.05}):
            made = MyTag(project_id=1, name="night")
            with pytest.raises(WriteUnconfirmedError) as caught:
                made.save()

            assert (True, 5) == (caught.value.resolve().done, made.pk)

    def test_keep_a_journal_of_their_entity(self, tmp_path):
        """A run of the subclass is gone on with by its parent: they are the same rows."""
        replies = {"POST task_tags/": tag(9, name="x"), "GET task_tags/": page()}
        with canned(replies) as session:
            for cls in (MyTag, TaskTag):
                cls.objects.bulk_create([cls(project_id=1, name="x")], journal=tmp_path / "run.journal")

        assert ["POST"] == [request.method for request in session.requests if request.method == "POST"]


class TestCheckpoints:
    def test_are_those_of_the_parent(self):
        """The rows are the same."""
        with canned({"GET sdk/tasks/": served([task(key) for key in range(1, 6)])}):
            rows = MyTask.objects.iterator()
            next(rows)

            assert [2, 3, 4, 5] == [row.pk for row in Task.objects.resume(rows.checkpoint)]


class TestPickles:
    @pytest.mark.parametrize(
        "again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
    )
    def test_are_of_the_same_class(self, again: Callable[[Any], Any]):
        """Queries, values, sets and rows of a subclass travel as such."""
        query, row = MyTask.objects.filter(project=1), MyTask.ref(5)

        assert (MyTask, repr(query)) == (again(query).entity, repr(again(query)))
        assert (MyTask, 5) == (type(again(row)), again(row).pk)
        assert [repr(query.values("id")), repr(row.assignments)] == [
            repr(again(query.values("id"))),
            repr(again(row.assignments)),
        ]

    def test_of_earlier_versions_are_read(self):
        """They named the entity."""
        query = Task.objects.filter(project=1)

        assert repr(query) == repr(queryset._restore(Manager, "Task", query.query, ({}, None)))


class TestNames:
    def test_that_are_taken_are_refused(self):
        """A second `Task` would silently replace the first in every relation."""
        taken = type("Task", (Entity,), {"__annotations__": {"meta": "int"}, "__module__": __name__})

        with pytest.raises(
            QueryError, match=r"an entity called 'Task' already \(synapse.entities.task.Task\)"
        ):
            entity("tasks")(taken)
        assert Task is entity_named("Task")

    def test_are_given_again_by_the_same_declaration(self):
        """A notebook's cell that is run again replaces its own entity."""
        source = (
            "@entity('projects')\nclass Redone(Entity):\n    id: int = read_only()\n    version: int = {}\n"
        )
        scope = {"__name__": "__main__", "Entity": Entity, "entity": entity, "read_only": read_only}
        for version in (1, 2):
            exec(source.format(version), scope)

        assert 2 == entity_named("Redone")._schema.fields["version"].default
