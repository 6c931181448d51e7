"""What type checkers must say of annotations; mypy and pyright read this file, nothing runs it.

A line that must be refused ignores the error by name; where a checker does not report it, the unused comment is one.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import assert_type

from synapse import (
    Annotation,
    Annotations,
    Box,
    FileCache,
    GroundTruth,
    Label,
    Polygon,
    Project,
    Span,
    Task,
    Tool,
)
from synapse.interop.formats.report import AnnotationReport


def annotations_are_typed(task: Task) -> None:
    """Each class has its own, and what is in order is any."""
    assert_type(task.annotations, Annotations)
    assert_type(task.annotations[0], Annotation)
    assert_type(task.annotations.boxes, tuple[Box, ...])
    assert_type(task.annotations.boxes[0].x, float)
    assert_type(task.annotations.of(Span), tuple[Span, ...])
    assert_type(task.annotations + [Label("night")], Annotations)
    assert_type(Polygon("a", points=[(0, 0), [1, 0], (1, 1)]).points, tuple[tuple[float, float], ...])


def annotations_are_what_a_task_takes(task: Task) -> None:
    """One, several, a list, or data in the backend's form."""
    assert_type(task.annotate(Box("stop", x=1, y=2, width=3, height=4), Label("night")), Task)
    task.annotate([Label("night")], outside="clip")
    task.annotate(task.annotations)
    task.annotate({"annotations": {}})
    task.annotate(Label("night"), outside="drop")  # type: ignore[arg-type]
    task.annotate("night")  # type: ignore[arg-type]
    Task.objects.annotate_many([(task, [Label("night")])])
    Task.objects.annotate_many({1: Label("night")})


def exports_are_typed() -> None:
    """Formats, kinds and choices are those that there are, and reports tell of tasks and classes."""
    report = Task.objects.filter(project=1).export("out", format="coco", split={"train": 0.8, "val": 0.2})
    assert_type(report, AnnotationReport)
    assert_type(report.classes, Counter[str])
    assert_type(report.lossy[0].annotation, Annotation | None)
    Task.objects.export(Path("out"), format="yolo", kind="classify", files="link", cache=FileCache("cache"))
    GroundTruth.objects.all().export("out", format="jsonl", split="category")
    Task.objects.export("out", format="cocoo")  # type: ignore[arg-type]
    Task.objects.export("out", format="coco", files="copy")  # type: ignore[arg-type]
    Task.objects.export("out")  # type: ignore[call-arg]


def labels_from_files_are_typed() -> None:
    """A match may be a call that gives a name for a task."""
    tasks = Task.objects.filter(project=1)
    assert_type(tasks.annotate_from("labels", format="yolo", classes=["stop"]), AnnotationReport)
    tasks.annotate_from("labels", format="voc", match=lambda task: str(task.id), existing="add", strict=True)
    tasks.annotate_from("labels", format="coco", match="stems")  # type: ignore[arg-type]
    tasks.annotate_from("labels", format="coco", existing="keep")  # type: ignore[arg-type]
    GroundTruth.objects.annotate_from("labels", format="coco")  # type: ignore[attr-defined]


def coordinates_are_required() -> None:
    """What makes up a box can't be left out."""
    Box("stop", x=1, y=2, width=3)  # type: ignore[call-arg]


def projects_tell_their_tools(project: Project) -> None:
    """Tools have classes with codes."""
    assert_type(project.classes, tuple[str, ...])
    assert_type(project.tools, dict[str, Tool])
    assert_type(project.tools["polygon"].classes[0].color, str | None)
