"""Typical mistakes, which type checkers must report; mypy and pyright read this file, nothing runs it.

Each line ignores the error that both report, so that a mistake which is not reported is an unused comment. The same
file is read with the installed wheel by `tests/typing/test_wheel.py`.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from datetime import datetime

from synapse import Assignment, GroundTruth, Job, Project, Session, Storage, Task, TaskTag, connect


def lookups_that_are_none(session: Session, project: Project) -> None:
    """Misspelt, of another entity, or such as Django has and this backend doesn't."""
    Task.objects.filter(projct=1)  # type: ignore[call-arg]
    Task.objects.filter(status_lable="completed")  # type: ignore[call-arg]
    Task.objects.filter(created__year=2026)  # type: ignore[call-arg]
    Task.objects.filter(name="a")  # type: ignore[call-arg]
    Task.objects.filter(project__title="Street signs")  # type: ignore[call-arg]
    Task.objects.get(projct=1)  # type: ignore[call-arg]
    Project.objects.get(titel="Street signs")  # type: ignore[call-arg]
    Task.objects.exclude(status_label="completed")  # type: ignore[call-arg]
    session.tasks.filter(projct=1)  # type: ignore[call-arg]
    project.tasks.filter(projct=1)  # type: ignore[call-arg]
    Task.objects.filter(5)  # type: ignore[call-arg]


def settings_that_are_none() -> None:
    """A token by another name."""
    connect("https://api.synapse.sh", token="syn_...")  # type: ignore[call-arg]


def lookup_values_of_the_wrong_type(tag: TaskTag) -> None:
    """A text for a key, an object of another entity, a value that an enumeration doesn't have."""
    Task.objects.filter(project="1")  # type: ignore[arg-type]
    Task.objects.filter(project=tag)  # type: ignore[arg-type]
    Task.objects.filter(id__in=5)  # type: ignore[arg-type]
    Task.objects.filter(is_discarded="no")  # type: ignore[arg-type]
    Task.objects.filter(status_label="complete")  # type: ignore[arg-type]
    Task.objects.filter(status_label__in=["completed", "skiped"])  # type: ignore[list-item]
    Task.objects.filter(created__gte=2026)  # type: ignore[arg-type]
    Job.objects.filter(status="done")  # type: ignore[arg-type]
    Task.objects.get("five")  # type: ignore[arg-type]


def names_that_are_no_field() -> None:
    """In orders, in choices of fields, and of relations."""
    Task.objects.order_by("-creatd")  # type: ignore[arg-type]
    Task.objects.order_by("status_label")  # type: ignore[arg-type]
    Task.objects.only("mta")  # type: ignore[arg-type]
    Task.objects.defer("dat")  # type: ignore[arg-type]
    Task.objects.values("statuslabel")  # type: ignore[arg-type]
    Task.objects.values_list("id", "metadata")  # type: ignore[call-overload]
    Task.objects.values_list("metadata", flat=True)  # type: ignore[call-overload]
    Task.objects.select_related("project")  # type: ignore[arg-type]
    Task.objects.prefetch_related("dataunit")  # type: ignore[arg-type]
    Task.objects.prefetch_related("project__titel")  # type: ignore[arg-type]
    Assignment.objects.latest("status")  # type: ignore[arg-type]


def values_that_do_not_fit(project: Project) -> None:
    """In what is created and changed."""
    Project.objects.create(titel="Street signs", category="image")  # type: ignore[call-arg]
    Project.objects.create(title="Street signs", category="picture")  # type: ignore[arg-type]
    Project.objects.create(title=5, category="image")  # type: ignore[arg-type]
    Task.objects.create(project=project, data_unit=project)  # type: ignore[arg-type]
    Task.objects.filter(project=1).update(discarded=True)  # type: ignore[call-arg]
    Task.objects.filter(project=1).update(created="2026-01-01")  # type: ignore[call-arg]
    Task.objects.get_or_create({"mta": {}}, project=1)  # type: ignore[arg-type]
    TaskTag.objects.get_or_create(nme="night", project=1)  # type: ignore[call-arg]
    GroundTruth.objects.update_or_create({"category": "training"}, id=1)  # type: ignore[arg-type]


def verbs_that_are_none(project: Project, storage: Storage) -> None:
    """Of a manager, of a reverse set, and of an object."""
    Task.objects.fliter(project=1)  # type: ignore[attr-defined]
    project.tasks.dowload("out/")  # type: ignore[attr-defined]
    Storage.objects.download("out/")  # type: ignore[attr-defined]
    storage.nmae  # type: ignore[attr-defined]
    Task.objects.filter(project=1).export("out/", format="koko")  # type: ignore[arg-type]


def what_only_a_run_tells() -> None:
    """A reverse set fills in required fields, a text is an iterable of texts, and a datetime may have no zone."""
    Project.objects.create(title="Street signs")
    GroundTruth.objects.filter(classes__in="car")
    Task.objects.filter(created__gte=datetime(2026, 1, 1))  # noqa: DTZ001
