"""Right uses, of which type checkers must report none; mypy and pyright read this file, nothing runs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Unpack, assert_type
from uuid import UUID

from synapse import (
    Assignment,
    Box,
    DataCollection,
    DataUnit,
    GroundTruth,
    GroundTruthDataset,
    GroundTruthEvent,
    Job,
    JobLog,
    JobStatus,
    Label,
    Model,
    Plugin,
    PluginRelease,
    Project,
    ProjectCategory,
    Session,
    StatusLabel,
    Storage,
    Task,
    TaskTag,
)
from synapse.entities.task import TaskManager
from synapse.typing import StatusLabelValue, TaskField, TaskKey, TaskLookups, TaskOrder, TaskValues


def filters_take_objects_keys_and_second_names(project: Project, tags: list[TaskTag]) -> None:
    """Whichever name the key goes by."""
    Task.objects.filter(project=project, tags__in=tags, id__in=range(100), pk__gt=0)
    Task.objects.filter(project=1).filter(project_id=1).filter(project__id=1).filter(project__pk=1)
    Task.objects.filter(id__in=(task.id for task in project.tasks), labelers__in={1, 2})
    Task.objects.exclude(id__in=[1, 2]).exclude(is_discarded=True).exclude(pk=5)
    GroundTruth.objects.filter(ground_truth_dataset=1, classes__in=["car"], category__in=("train", "test"))
    JobLog.objects.filter(job="550e8400-e29b-41d4-a716-446655440000")
    Job.objects.filter(plugin="exporter", status=JobStatus.RUNNING)
    GroundTruthEvent.objects.get(pgh_id=5)


def filters_take_dates_and_choices(label: StatusLabelValue, job: UUID) -> None:
    """As values of their own types, or as text."""
    Task.objects.filter(created__gte="2026-01-01", created__lt=date(2026, 2, 1), status_label="completed")
    Task.objects.filter(created__gte=datetime.now(UTC), status_label=StatusLabel.COMPLETED, search="night")
    Task.objects.filter(status_label__in=["completed", StatusLabel.SKIPPED], status_label=label)
    JobLog.objects.filter(job=job)


def lookups_come_from_anywhere(chosen: dict[str, Any], project: Project) -> list[Task]:
    """Also from a dict that somebody else has made, and through a function."""

    def tasks(order: TaskOrder = "-created", **lookups: Unpack[TaskLookups]) -> TaskManager:
        return project.tasks.filter(**lookups).order_by(order)

    wanted: TaskLookups = {"status_label": "completed"}
    return [*Task.objects.filter(**chosen), *Task.objects.filter(**wanted), *tasks("id", is_discarded=False)]


def names_are_those_of_the_declaration(field: TaskField) -> None:
    """Fields, relations, the key by any name, and paths."""
    Task.objects.order_by("-created", "id").only("id", "project", field).defer("data")
    Task.objects.values("id", "project_id", "project__id", "pk")
    Task.objects.values("project__title", "data_unit__meta", "project__data_collection__name")
    Task.objects.values_list("id", "meta", named=True)
    Task.objects.values_list("pk", flat=True)
    Task.objects.select_related("data_unit").prefetch_related("project__data_collection", "assignments")
    Project.objects.prefetch_related("tasks__assignments__data_unit")
    assert_type(Task.objects.latest("created"), Task)
    assert_type(Assignment.objects.filter(tasks=1).earliest("-id", "created"), Assignment)


def objects_are_got_by_their_keys(key: TaskKey) -> None:
    """By number, by code, by UUID, or by themselves."""
    assert_type(Task.objects.get(5), Task)
    assert_type(Project.objects.get(title="Street signs"), Project)
    assert_type(Project.objects.get_or_create({"category": "image"}, title="a"), tuple[Project, bool])
    assert_type(Task.objects.get(pk=5), Task)
    assert_type(Task.objects.get(id=5, project=1), Task)
    assert_type(Task.objects.get(key), Task)
    assert_type(Job.objects.get("550e8400-e29b-41d4-a716-446655440000"), Job)
    assert_type(PluginRelease.objects.get("exporter@1.0.0"), PluginRelease)
    assert_type(Plugin.objects.get("exporter"), Plugin)
    assert_type(Task.objects.in_bulk([1, 2]), dict[Any, Task])


def rows_are_created_and_changed(project: Project, unit: DataUnit, values: TaskValues) -> None:
    """With links as objects or keys; a reverse set fills its own in."""
    assert_type(Project.objects.create(title="Street signs", category="image"), Project)
    Project.objects.create(title="a", category=ProjectCategory.VIDEO, data_collection=None, settings={})
    Task.objects.create(project=project, data_unit=5, meta={"frame": 1})
    project.tasks.create(data_unit=unit)
    Task.objects.create(**values)
    Task.objects.filter(project=1).update(is_discarded=True, meta=None, dry_run=True)
    Storage.objects.create(name="s", provider="amazon_s3", configuration={"bucket": "b"})
    Storage.objects.create(name="s", provider="a-new-one")
    project.tags.get_or_create(name="night")
    TaskTag.objects.update_or_create({"description": "dark"}, name="night", project=project)
    Task.objects.bulk_create(Task(project_id=1, data_unit_id=unit) for unit in range(5))


def managers_of_files_take_paths(session: Session, job: Job) -> None:
    """Beside the fields of their rows."""
    Model.objects.create(name="m", file="m.zip", progress=True)
    session.models.create(name="m", file=Path("m.zip"), plugin="yolo")
    job.logs.create(event="begin", file="log.txt", data={"a": 1}, level="info")
    session.data_files.upload("scan.tiff", progress=True)


def reverse_sets_have_the_verbs_of_their_manager(project: Project, dataset: GroundTruthDataset) -> None:
    """However they are narrowed."""
    project.tasks.download("out/")
    project.tasks.filter(status_label="completed").order_by("-id")[:10].download("out/", workers=4)
    project.tasks.export("out/", format="coco")
    project.tasks.set_tags(add=[1])
    project.tasks.filter(is_discarded=False).to_csv("tasks.csv", columns=["id", "status_label"])
    Task.objects.values("id", "meta").to_parquet("tasks.parquet")
    Task.objects.bulk_create([{"project": 1, "data_unit": 2}], columns={"unit": "data_unit"})
    Task.objects.update_from(Task.objects.all().to_arrow(), on="id", fields=["meta"], dry_run=True)
    Task.objects.annotate_many([{"id": 1, "found": "{}"}], data="found")
    dataset.ground_truths.filter(category="train").export("out/", format="yolo", kind="segment")


def verbs_of_objects_are_typed(task: Task, collection: DataCollection) -> Iterator[Task]:
    """Annotations, pictures, uploads."""
    yield task.annotate(Box("stop", x=1, y=2, width=3, height=4), Label("night"))
    yield task.annotate(task.annotations, submit=False)
    task.show()
    task.picture(width=640)
    collection.upload("photos/", project=5, workers=8)
    collection.projects.filter(category="image")
