"""`collection.upload(…, annotations="instances.json", format="coco")`: pictures and their labels together."""

from __future__ import annotations

import os

from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from synapse.annotations import Annotations, Medium, check, tools_of
from synapse.entities import Project, Task
from synapse.errors import MappingError, QueryError, SynapseError
from synapse.interop.formats.annotate_from import annotate_with
from synapse.interop.formats.export import check_format
from synapse.interop.formats.items import upright_size
from synapse.interop.formats.matching import Index, index_of, open_source
from synapse.interop.formats.report import AnnotationReport, ReportEntry
from synapse.interop.formats.sources import PictureLabels, Size, key_of
from synapse.interop.formats.yolo import Kind, check_kind
from synapse.transfer import RemotePath

if TYPE_CHECKING:
    from synapse.entities.collection import DataCollection
    from synapse.uploads import Report


def upload_labels(
    collection: DataCollection,
    annotations: str | PathLike[str],
    *,
    format: str | None,
    kind: Kind,
    project: Project | int | None,
) -> UploadLabels:
    """Read the labels of pictures that are to be uploaded."""
    if project is None:
        raise QueryError(
            "upload(annotations=...) annotates tasks: pass the project=... to make them in. Nothing was sent"
        )
    name = check_format("upload", format)
    source = open_source(annotations, kind=check_kind(kind, name))
    title = f"annotations from {source.root}"
    return UploadLabels(collection=collection, title=title, index=index_of(source, name), project=project)


@attrs.frozen(kw_only=True)
class UploadLabels:
    """The labels of pictures that are to be uploaded."""

    collection: DataCollection
    title: str
    index: Index
    project: Project | int

    def upload(
        self, send: Callable[..., Report], items: Iterable[Any], *, dry_run: bool, strict: bool
    ) -> Report:
        """Send the items and annotate their tasks; with *strict* or *dry_run* the labels are checked first."""
        if not strict and not dry_run:
            report = send(items, dry_run=False)
            self._annotate(report)
            return report
        given = list(items) if isinstance(items, Iterator) else items
        planned = send(given, dry_run=True)
        self._check(planned, strict=strict)
        if dry_run:
            return planned
        report = send(given, dry_run=False)
        self._annotate(report)
        return report

    def _check(self, planned: Report, *, strict: bool) -> None:
        """Hold the labels against the pictures before these are sent, and note in the report what fails.

        With *strict*, that is a `MappingError`.
        """
        report = AnnotationReport(f"{self.title} (dry run: nothing was sent)")
        for entry in self.index.problems:
            report.add("failed", entry)
        labels, taken = self.index.labels, set()
        tools = self._tools()
        for path in self._pictures(planned):
            key = key_of(path.name, match="stem")
            if key not in labels:
                report.add("skipped", ReportEntry(None, "there are no labels for it", path=str(path)))
            elif key in taken:
                reason = f"another picture has the name of {path} as well"
                report.add("failed", ReportEntry(None, reason, path=labels[key].path))
            else:
                self._check_picture(labels[key], path, tools=tools, report=report)
            taken.add(key)
        for name, each in labels.items():
            if name not in taken:
                report.add("failed", ReportEntry(None, "there is no picture of this name", path=each.path))
        planned.annotations = report
        if strict and report.failed:
            raise MappingError(
                f"upload(strict=True): {report.counts['failed']:,} problems of the labels, the first: "
                f"{report.failed[0]}. Nothing was sent; dry_run=True lists them all"
            )

    def _check_picture(
        self, labels: PictureLabels, path: Path | RemotePath, *, tools: Any, report: AnnotationReport
    ) -> None:
        size = _size_of(path)
        if size is None and labels.needs_size:
            report.add("failed", ReportEntry(None, "the size of its picture is not known", path=labels.path))
            return
        if size and labels.size and size != labels.size:
            told, real = (f"{width} × {height}" for width, height in (labels.size, size))
            reason = f"labels of a picture of {told}, and it has {real}"
            report.add("failed", ReportEntry(None, reason, path=labels.path))
            return
        try:
            values, problems = labels.read(size or (0, 0))
            check(Annotations(values), tools=tools, media=self._media(size or labels.size), outside="refuse")
        except SynapseError as error:
            report.add("failed", ReportEntry(None, str(error), path=labels.path))
        else:
            report.add_task(None, values, problems=problems)

    def _tools(self) -> Any:
        """Read the project's classes; the session keeps what was read."""
        project: Any = self.project
        if not isinstance(project, Project):
            project = Project.objects.using(self.collection._state.session).get(id=project)
        return tools_of(project.configuration)

    def _media(self, size: Size | None) -> list[Medium]:
        width, height = size or (None, None)
        return [
            Medium(each.name, each.file_type, is_primary=each.is_primary, width=width, height=height)
            for each in self.collection.file_specifications
        ]

    def _pictures(self, planned: Report) -> Iterator[Path | RemotePath]:
        """Give the annotated file of each item: that of the primary specification, else its first."""
        primary = next((each.name for each in self.collection.file_specifications if each.is_primary), "")
        for outcome in planned.planned:
            item = outcome.item
            files = item["files"] if isinstance(item, Mapping) else item
            if isinstance(files, Mapping):
                files = files.get(primary) or next(iter(files.values()))
            yield files if isinstance(files, RemotePath) else Path(os.fsdecode(files))

    def _annotate(self, report: Report) -> None:
        """Annotate the tasks of what was uploaded."""
        keys = [each.task.pk for each in report if each.task is not None]
        tasks: Any = Task.objects.using(self.collection._state.session).filter(id__in=keys)
        report.annotations = annotate_with(tasks if keys else tasks.none(), self.index, title=self.title)


def _size_of(path: Path | RemotePath) -> Size | None:
    try:
        from PIL import Image

        with path.open("rb") as file, Image.open(file) as picture:
            return upright_size(picture)
    except (ImportError, OSError, ValueError):
        return None
