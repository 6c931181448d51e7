"""What type checkers must say of managers and queries; mypy and pyright read this file, nothing runs it.

A line that must be refused ignores the error by name; where a checker does not report it, the unused comment is one.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from typing import Any, assert_type

from synapse import FetchMode, Job, Model, PluginRelease, Project, Session, Storage, Task, connect
from synapse.entities.assignment import AssignmentManager
from synapse.entities.data import DataFileManager
from synapse.entities.job import JobManager
from synapse.entities.project import ProjectManager
from synapse.entities.task import TaskManager
from synapse.errors import NotFoundError
from synapse.orm import BulkResult, Explanation, Rows, Values


def a_manager_gives_objects_of_its_entity() -> None:
    """No cast is needed, whichever verb gives them."""
    assert_type(Project.objects, ProjectManager)
    assert_type(Project.objects.get(5), Project)
    assert_type(Project.objects.first(), Project | None)
    assert_type(Project.objects.last(), Project | None)
    assert_type(Project.objects.create(title="T"), Project)
    assert_type(Project.objects.get_or_create(category="image"), tuple[Project, bool])
    assert_type(Project.objects.in_bulk([1, 2]), dict[Any, Project])
    assert_type(Project.objects.bulk_create([]), list[Project])


def a_narrowed_manager_keeps_its_verbs() -> None:
    """`set_tags` is there after any chain."""
    assert_type(Task.objects, TaskManager)
    assert_type(Task.objects.filter(project=1), TaskManager)
    assert_type(Task.objects.exclude(pk=1).order_by("-created").reverse()[:5], TaskManager)
    assert_type(Task.objects.all().only("data").defer("meta").none().params(a="b"), TaskManager)
    assert_type(Task.objects.select_related("data_unit").prefetch_related("project"), TaskManager)
    assert_type(Task.objects.fetch_mode(FetchMode.ONE), TaskManager)
    assert_type(Task.objects.filter(project=1).set_tags(add=[1]), int)


def a_query_is_a_sequence_of_objects() -> None:
    """Indexing, slicing and walking it."""
    assert_type(Task.objects[0], Task)
    assert_type(Task.objects[:50], TaskManager)
    assert_type(list(Task.objects), list[Task])
    assert_type(Task.objects.iterator(), Rows[Task])
    assert_type(Job.objects.filter(status="RUNNING"), JobManager)


def a_query_counts_and_explains() -> None:
    """What is no object has a type of its own."""
    assert_type(Task.objects.count(), int)
    assert_type(len(Task.objects), int)
    assert_type(Task.objects.exists(), bool)
    assert_type(Task.objects.explain(), Explanation)
    assert_type(Task.objects.filter(project=1).update(is_discarded=True), BulkResult)
    assert_type(Task.objects.filter(project=1).delete(), BulkResult)


def values_have_the_shape_that_was_asked_for() -> None:
    """Dicts, tuples, or bare values with `flat=True`."""
    assert_type(Task.objects.values("id"), Values[dict[str, Any]])
    assert_type(Task.objects.values_list("id", "data"), Values[tuple[Any, ...]])
    assert_type(Task.objects.values_list("id", flat=True), Values[Any])
    assert_type(list(Task.objects.values("id").filter(project=1)), list[dict[str, Any]])
    assert_type(Task.objects.values_list("id").first(), tuple[Any, ...] | None)


def flat_values_are_of_one_field() -> None:
    """Two fields cannot be flat."""
    Task.objects.values_list("id", "data", flat=True)  # type: ignore[call-overload]


def every_manager_hangs_on_the_session(session: Session) -> None:
    """With the same types as at the entity."""
    assert_type(session.tasks, TaskManager)
    assert_type(session.tasks.get(5), Task)
    assert_type(session.assignments, AssignmentManager)
    assert_type(session.projects, ProjectManager)
    assert_type(session.data_files, DataFileManager)
    assert_type(session.storages.default(), Storage)
    assert_type(session.models.get(1), Model)
    assert_type(session.plugin_releases.get("code@1.0.0"), PluginRelease)
    assert_type(Task.objects.using(session), TaskManager)
    assert_type(connect("https://host"), Session)


def a_misspelt_name_is_an_error(session: Session) -> None:
    """Of a verb, and of a manager."""
    Task.objects.fliter(project=1)  # type: ignore[attr-defined]
    session.taks  # type: ignore[attr-defined]


def an_argument_of_the_wrong_type_is_an_error() -> None:
    """Where the signature can say it."""
    Task.objects.order_by(5)  # type: ignore[arg-type]
    Task.objects.fetch_mode("ONE")  # type: ignore[arg-type]
    Task.objects["first"]  # type: ignore[call-overload]
    Project.objects.bulk_create([Task.ref(1)])  # type: ignore[arg-type]


def each_entity_has_its_errors() -> None:
    """They can be caught by type, and tell the status."""
    try:
        Task.objects.get(5)
    except Task.DoesNotExist as error:
        assert_type(error.status_code, int)
    assert_type(Task.DoesNotExist, type[NotFoundError])


def relations_are_queries_of_the_other_side(project: Project) -> None:
    """Of the entity that is named, without importing it."""
    assert_type(project.tasks, TaskManager)
    assert_type(project.tasks.get(5), Task)
    assert_type(project.tasks.filter(is_discarded=True)[:5], TaskManager)
