"""What type checkers must say of objects, their fields and links; mypy and pyright read this file, nothing runs it.

A line that must be refused ignores the error by name; where a checker does not report it, the unused comment is one.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from datetime import datetime
from typing import Any, assert_type

from synapse import (
    Agent,
    DataCollection,
    DataUnit,
    FileSpecification,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
    Job,
    JobStatus,
    Plugin,
    PluginRelease,
    Project,
    RemoteFile,
    Storage,
    StorageProvider,
    Task,
)
from synapse.entities.assignment import AssignmentManager
from synapse.entities.data import DataUnitManager
from synapse.entities.ground_truth import GroundTruthEventManager
from synapse.entities.job import JobLogManager
from synapse.entities.plugin import PluginReleaseManager
from synapse.entities.project import ProjectManager
from synapse.entities.task import TaskManager
from synapse.orm import QuerySet, ToMany


def fields_have_the_types_that_are_declared(task: Task, storage: Storage) -> None:
    """Those that may be null say so, and open enumerations are text as well."""
    assert_type(task.id, int)
    assert_type(task.project_id, int)
    assert_type(task.is_discarded, bool)
    assert_type(task.data, dict[str, Any] | None)
    assert_type(task.created, datetime | None)
    assert_type(task.files, dict[str, RemoteFile])
    assert_type(storage.provider, StorageProvider | str)


def a_link_to_one_is_the_object(task: Task, release: PluginRelease) -> None:
    """Of the entity on the other side, and on from there."""
    assert_type(task.project, Project)
    assert_type(task.data_unit, DataUnit)
    assert_type(task.data_unit.data_collection, DataCollection)
    assert_type(release.plugin, Plugin)


def a_link_that_may_be_null_says_so(job: Job, event: GroundTruthEvent, dataset: GroundTruthDataset) -> None:
    """A program that forgets it is told."""
    assert_type(job.agent, Agent | None)
    assert_type(job.plugin_release, PluginRelease | None)
    assert_type(event.data_unit, DataUnit | None)
    assert_type(dataset.project, Project | None)
    job.agent.name  # type: ignore[union-attr]


def a_project_may_have_no_collection(project: Project) -> None:
    """Its key may be null, and so the object."""
    assert_type(project.data_collection_id, int | None)
    assert_type(project.data_collection, DataCollection | None)


def a_link_to_many_has_the_verbs_of_its_manager(
    project: Project, collection: DataCollection, dataset: GroundTruthDataset, agent: Agent
) -> None:
    """Also after it was narrowed; without verbs of its own it is a plain manager."""
    assert_type(project.tasks.set_tags(add=[1]), int)
    assert_type(project.tasks.filter(is_discarded=True), TaskManager)
    collection.units.all().download("out/")
    dataset.ground_truths.filter(category="train").download("out/")
    assert_type(collection.projects, ProjectManager)
    assert_type(agent.jobs.first(), Job | None)
    project.tasks.set_tag(add=[1])  # type: ignore[attr-defined]


def a_link_may_name_the_entity_alone(links: ToMany[Task], project: Project) -> None:
    """As entities of one's own do."""
    assert_type(links.__get__(project, Project), QuerySet[Task])


def a_link_to_many_is_a_query(
    project: Project,
    plugin: Plugin,
    version: GroundTruthVersion,
    collection: DataCollection,
    job: Job,
    task: Task,
) -> None:
    """Both ways, wherever the wire has one."""
    assert_type(project.tasks, TaskManager)
    assert_type(task.assignments, AssignmentManager)
    assert_type(plugin.releases, PluginReleaseManager)
    assert_type(version.events, GroundTruthEventManager)
    assert_type(collection.units, DataUnitManager)
    assert_type(job.logs, JobLogManager)
    assert_type(collection.file_specifications, list[FileSpecification])


def verbs_give_what_they_say(task: Task, plugin: Plugin, job: Job) -> None:
    """Objects come back as themselves."""
    assert_type(task.save(), Task)
    assert_type(task.save(check=True), Task)
    task.save(True)  # type: ignore[call-arg]
    assert_type(task.refresh(), Task)
    assert_type(task.delete(), None)
    assert_type(task.changes, dict[str, Any])
    assert_type(Task.ref(5), Task)
    assert_type(plugin.run(action="train"), Job)
    assert_type(job.wait(timeout=5), Job)
    assert_type(job.status, JobStatus | str)
    assert_type(job.console_logs(), list[str])


def a_new_object_needs_its_required_fields() -> None:
    """The rest has defaults, or is the backend's to set."""
    assert_type(Task(project_id=1, data_unit_id=2, meta={"a": 1}), Task)
    Task(project_id=1)  # type: ignore[call-arg]
    Project(title="T")  # type: ignore[call-arg]


def a_new_object_takes_declared_fields_only() -> None:
    """Neither a typo, nor what the backend sets, nor anything by position."""
    Task(project_id=1, data_unit_id=2, mta={})  # type: ignore[call-arg]
    Task(project_id=1, data_unit_id=2, id=5)  # type: ignore[call-arg]
    Task(1, 2)  # type: ignore[call-arg]


def a_new_object_takes_values_of_the_declared_types() -> None:
    """A key is a number, and a link may be given by it only."""
    Task(project_id="1", data_unit_id=2)  # type: ignore[arg-type]
    Project(title=None, category="image")  # type: ignore[arg-type]


def assignments_are_checked(task: Task, project: Project) -> None:
    """By name, and by type; a link takes an object of its entity."""
    task.meta = {"a": 1}
    task.project = project
    task.nmae = 1  # type: ignore[attr-defined]
    task.is_discarded = "no"  # type: ignore[assignment]
    task.project = task  # type: ignore[assignment]


def a_misspelt_field_is_an_error(task: Task) -> None:
    """Reading is checked as well."""
    task.projct  # type: ignore[attr-defined]
    task.project.titel  # type: ignore[attr-defined]
