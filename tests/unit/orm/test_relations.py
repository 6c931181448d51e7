"""Relations as they are declared: what they take, and what they refuse."""

from __future__ import annotations

import pytest

from synapse import MappingError, Project, Task, TaskTag
from synapse.orm import ToMany, ToOne
from synapse.orm.results import back
from synapse.testing import canned
from tests.unit.orm.rows import project, task


class TestToOne:
    def test_is_a_property_to_whoever_inspects(self):
        """Completers and debuggers of any kind know that reading one may do work."""
        assert all(isinstance(each, property) for each in (Project.tasks, Project.data_collection))

    def test_on_the_class_is_the_declaration(self):
        """On the class a relation tells its target and the field that holds the key."""
        assert isinstance(Task.project, ToOne)
        assert ("Project", "project_id", "project") == (
            Task.project.target,
            Task.project.via,
            Task.project.name,
        )

    def test_target_that_may_be_null_is_the_same_target(self):
        """`ToOne["X | None"]` leads to X."""
        assert "DataCollection" == Project.data_collection.target

    def test_takes_an_object_a_key_or_none(self):
        """An object sets its key, a bare key is taken as it is, None clears."""
        made = Project(title="a", category="image")
        keys = []
        for value in (None, 5):
            made.data_collection = value
            keys.append(made.data_collection_id)

        assert [None, 5] == keys

    def test_takes_an_object_in_the_constructor(self):
        """`Task(project=project)` is `Task(project_id=project.id)`."""
        assert 3 == Task(project=Project.ref(3), data_unit_id=1).project_id

    def test_gives_back_the_object_that_was_set(self):
        """Setting an object needs no fetch to read it back."""
        owner, made = Project.ref(3), Task(project_id=1, data_unit_id=1)

        made.project = owner

        assert made.project is owner

    def test_forgets_the_object_when_the_key_changes(self):
        """A new key leads to another object."""
        with canned({"GET projects/4/": project(4)}):
            made = Task(project=Project.ref(3), data_unit_id=1)
            made.project_id = 4
            assert "project 4" == made.project.title

    @pytest.mark.parametrize(
        "assign",
        [
            lambda row: setattr(row, "project_id", row.project_id),
            lambda row: setattr(row, "project", row.project_id),
            lambda row: setattr(row, "project", row.project),
        ],
        ids=["key by key", "key by name", "object"],
    )
    def test_keeps_the_object_when_the_key_stays(self, assign):
        """A key that is set to what it was leads to the same object, without a request."""
        owner, row = Project.ref(3), Task(project_id=1, data_unit_id=1)
        row.project = owner

        assign(row)

        assert row.project is owner

    def test_keeps_a_nested_row_when_the_key_stays(self):
        """What came inside of a row and was not opened yet is kept as well."""
        session = canned({"GET tasks/1/": task(1, project=project(1, title="nested"))})
        row = Task.objects.using(session).get(1)
        row.project_id = 1

        assert "nested" == row.project.title

    def test_refuses_an_object_of_another_kind(self):
        """Nothing is set."""
        made = Task(project_id=1, data_unit_id=1)

        with pytest.raises(MappingError, match="project takes a Project or its key, not a Task"):
            made.project = Task.ref(1)
        assert 1 == made.project_id

    def test_refuses_an_object_that_is_not_saved(self):
        """It has no key yet."""
        with pytest.raises(MappingError, match="project got a Project that is not saved yet"):
            Task(project=Project(title="a", category="image"), data_unit_id=1)

    def test_refuses_an_object_that_was_deleted(self):
        """Its key leads nowhere any more."""
        with canned({"DELETE projects/3/": None}):
            gone = Project.ref(3)
            gone.delete()

        with pytest.raises(MappingError, match="Project 3, which was deleted"):
            Task(project=gone, data_unit_id=1)


class TestToMany:
    def test_on_the_class_is_the_declaration(self):
        """On the class a set tells its target and the lookup that finds it."""
        assert isinstance(Project.tasks, ToMany)
        assert ("Task", "project") == (Project.tasks.target, Project.tasks.by)

    def test_knows_the_field_that_points_back(self):
        """Sets of a direct relation know the field that holds the owner's key; others have none."""
        assert ("project_id", None) == tuple(
            back(cls._schema, cls._schema.to_many["tasks"]) for cls in (Project, TaskTag)
        )

    def test_cannot_be_assigned(self):
        """The link lies on the other side, and the error says so."""
        with pytest.raises(AttributeError, match="change the link on the Task objects"):
            Project.ref(1).tasks = []

    def test_needs_a_saved_owner(self):
        """A new object has no sets yet."""
        with pytest.raises(MappingError, match="this Project is not saved yet, so it has no tasks"):
            Project(title="a", category="image").tasks

    def test_is_a_query_that_sends_nothing(self):
        """Touching a set builds a query, with the owner as its filter."""
        with canned({"GET tasks/1/": task(1)}) as session:
            assert "<QuerySet Task project=1 (not fetched)>" == repr(Project.ref(1).tasks)
            assert [] == session.requests
