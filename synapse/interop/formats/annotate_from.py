"""`Task.objects.filter(…).annotate_from(…)`: labels from files onto the tasks whose pictures they are of."""

from __future__ import annotations

import os

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Final, Literal

import attrs

from synapse.annotations import Annotation, Annotations, Outside
from synapse.annotations.checks import fitted
from synapse.downloads.file_names import safe_name
from synapse.entities.annotating import data_of
from synapse.entities.choices import TaskSchema
from synapse.errors import BulkError, MappingError, QueryError, SynapseError, describe
from synapse.interop.formats.draft import stem_of
from synapse.interop.formats.export import check_format
from synapse.interop.formats.items import (
    NoPictureError,
    batches,
    check_specification,
    header_size,
    picture_of,
    rows_of,
    size_in_meta,
)
from synapse.interop.formats.matching import (
    MATCHES,
    Index,
    check_match,
    index_of,
    match_by,
    one_of,
    open_source,
)
from synapse.interop.formats.report import AnnotationReport, ReportEntry
from synapse.interop.formats.sources import PictureLabels, Size, key_of
from synapse.interop.formats.yolo import Kind, check_kind
from synapse.orm import arguments

_EXISTING: Final = ("refuse", "replace", "add")
_SHOWN: Final = 5


def annotate_from(
    queryset: Any,
    source: str | PathLike[str],
    *,
    format: str,
    kind: Kind = "detect",
    match: Literal["stem", "name", "id"] | Callable[[Any], str] = "stem",
    existing: Literal["refuse", "replace", "add"] = "refuse",
    dry_run: bool = False,
    strict: bool = False,
    classes: Sequence[str] | None = None,
    specification: str | None = None,
    submit: bool = True,
    schema: TaskSchema | Literal["any", "dm_schema_v1"] | None = None,
    outside: Outside = "refuse",
) -> AnnotationReport:
    """Annotate the tasks of a query with the labels that files have for their pictures, and report on each."""
    for name, value in {"dry_run": dry_run, "strict": strict, "submit": submit}.items():
        arguments.flag(f"annotate_from({name}=...)", value)
    check_format("annotate_from", format)
    check_match(match, "imagefolder" if kind == "classify" else format)
    opened = open_source(source, kind=check_kind(kind, format), classes=classes)
    title = f"annotations from {opened.root}" + (" (dry run: nothing was sent)" if dry_run else "")
    run = _Annotating(
        queryset=queryset,
        report=AnnotationReport(title),
        match=match,
        existing=one_of("existing", existing, known=_EXISTING),
        specification=check_specification(specification),
        how={"schema": schema, "outside": outside},
    )
    report = run.take(index_of(opened, format, match=match))
    planned = run.plan()
    if strict and report.failed:
        raise MappingError(
            f"annotate_from(strict=True): {report.counts['failed']:,} problems, the first: {report.failed[0]}. "
            "Nothing was sent; dry_run=True lists them all"
        )
    run.send(planned, submit=submit, dry_run=dry_run)
    return report


def annotate_with(queryset: Any, index: Index, *, title: str) -> AnnotationReport:
    """Annotate the tasks of a query with labels that were read; those with annotations keep them."""
    how: dict[str, Any] = {"schema": None, "outside": "refuse"}
    report = AnnotationReport(title)
    run = _Annotating(
        queryset=queryset, report=report, match="stem", existing="refuse", specification=None, how=how
    )
    run.take(index)
    run.send(run.plan(), submit=True, dry_run=False)
    return report


@attrs.frozen(kw_only=True, eq=False)
class _Planned:
    """A task by its key, and the labels that are for it."""

    task: int
    labels: PictureLabels
    size: Size | None
    specification: str


@attrs.define(kw_only=True, eq=False)
class _Annotating:
    queryset: Any
    report: AnnotationReport
    match: Any
    existing: str
    specification: str | None
    how: dict[str, Any]
    found: Mapping[object, PictureLabels] = attrs.Factory(dict)
    claims: dict[PictureLabels, list[int]] = attrs.Factory(dict)

    def take(self, index: Index) -> AnnotationReport:
        """Take the labels that are to be used."""
        self.found = index.labels
        for entry in index.problems:
            self.report.add("failed", entry)
        return self.report

    def plan(self) -> list[_Planned]:
        """Find the task of each picture, read its labels and check them, before anything is sent."""
        candidates: list[_Planned] = []
        for batch in batches(rows_of(self.queryset, self.report)):
            matched = [(row, each) for row in batch if (each := self._planned(row)) is not None]
            for row, each in self._sized(matched):
                self.claims.setdefault(each.labels, []).append(each.task)
                if self._is_fit(row, each):
                    candidates.append(each)
        for labels in self.found.values():
            if labels not in self.claims:
                self._fail(None, "no task has a picture of this name", path=labels.path)
        good = [each for each in candidates if len(self.claims[each.labels]) == 1]
        for each in candidates:
            if len(self.claims[each.labels]) > 1:
                others = ", ".join(map(str, self.claims[each.labels][:5]))
                self._fail(each.task, f"tasks {others} have a picture of this name", path=each.labels.path)
        return good

    def _planned(self, row: Any) -> _Planned | None:
        try:
            name = picture_of(row.files or {}, specification=self.specification)
        except NoPictureError as error:
            self._fail(row.pk, str(error))
            return None
        file = row.files[name]
        labels = self._labels_of(row, file.name)
        if labels is None:
            self.report.add("skipped", ReportEntry(row.pk, f"there are no labels for {file.name!r}"))
            return None
        return _Planned(task=row.pk, labels=labels, size=size_in_meta(file), specification=name)

    def _labels_of(self, row: Any, name: str) -> PictureLabels | None:
        """Find labels by name; an export marks the second picture of a name by its unit's key."""
        if self.match == "id":
            return self.found.get(row.pk)
        if self.match not in MATCHES:
            return self._labels_called(self.match(row))
        safe = safe_name(name)
        stem = stem_of(safe)
        for each in (f"{stem}_{row.data_unit_id}{safe[len(stem) :]}", name, safe):
            labels = self.found.get(key_of(each, match=match_by(self.match)))
            if labels is not None:
                return labels
        return None

    def _labels_called(self, name: object) -> PictureLabels | None:
        """Find labels by what a call gives: a name with its ending or without, or None."""
        if not isinstance(name, str | os.PathLike):
            if name is None:
                return None
            raise QueryError(f"match: the call gives the name of a picture, or None, not {describe(name)}")
        keys = (key_of(os.fsdecode(name), match="stem", has_ending=ending) for ending in (False, True))
        return next((self.found[key] for key in keys if key in self.found), None)

    def _sized(self, matched: list[tuple[Any, _Planned]]) -> Iterator[tuple[Any, _Planned]]:
        """Read the sizes of pictures that only their first bytes tell, where the format needs them."""
        lacking = [each for each in matched if each[1].size is None and each[1].labels.needs_size]
        known: dict[int, tuple[Size | None, Exception | None]] = {}
        if lacking:
            read = self.queryset.session.map(
                lambda each: header_size(each[0].files[each[1].specification]), lacking
            )
            known = {planned.task: (size, error) for (_, planned), size, error in read}
        for row, each in matched:
            size, error = known.get(each.task, (each.size, None))
            if error is None:
                yield row, attrs.evolve(each, size=size)
            else:
                self.claims.setdefault(each.labels, []).append(each.task)
                self._fail(each.task, f"the size of its picture is not known: {error}")

    def _is_fit(self, row: Any, planned: _Planned) -> bool:
        """Read and check the labels of a task; what is wrong goes into the report."""
        told = planned.labels.size
        if told and planned.size and told != planned.size:
            sizes = [f"{width} × {height}" for width, height in (told, planned.size)]
            self._fail(
                row.pk, f"labels of a picture of {sizes[0]}, and it has {sizes[1]}", path=planned.labels.path
            )
            return False
        if row.data and self.existing == "refuse":
            self._fail(row.pk, "it has annotations: pass existing='replace' or existing='add'")
            return False
        try:
            values, problems = planned.labels.read(planned.size or (0, 0))
            for each in problems:
                path = each.path or planned.labels.path
                self.report.add(each.outcome, ReportEntry(row.pk, each.reason, each.annotation, path))
            values = self._placed(values, planned)
            data_of(row, self._document(row, values), more=(), **self.how)
        except SynapseError as error:
            self._fail(row.pk, str(error), path=planned.labels.path)
            return False
        return True

    def _placed(self, given: Iterable[Annotation], planned: _Planned) -> Annotations:
        """Hold annotations against the size of their picture, which the unit may not know, and name their medium."""
        document = given if isinstance(given, Annotations) else Annotations(given)
        size = planned.size or planned.labels.size
        if size is not None:
            document = document.replace(_fitted(document, size, outside=self.how["outside"]))
        if self.specification is None:
            return document
        return Annotations(attrs.evolve(each, media=self.specification) for each in document)

    def _document(self, row: Any, values: Annotations) -> Annotations:
        return row.annotations + values if self.existing == "add" and row.data else values

    def send(self, planned: list[_Planned], *, submit: bool, dry_run: bool) -> None:
        """Annotate by hundreds; where the run ends early, the rest is in the report as not tried."""
        ended: Exception | None = None
        for batch in batches(planned):
            read = {each.task: self._placed(each.labels.read(each.size or (0, 0))[0], each) for each in batch}
            left_out: dict[int, object] = dict.fromkeys(read, f"not tried: {ended}") if ended else {}
            if not dry_run and ended is None:
                try:
                    self._send(read, submit=submit)
                except BulkError as error:
                    left_out = {_key(each): reason for each, reason in error.failed}
                    left_out |= {_key(each): f"not tried: {error}" for each in error.untried}
                    ended = error if error.untried else None
            for task, reason in left_out.items():
                self._fail(task, str(reason))
            for task in read.keys() - left_out.keys():
                self.report.add_task(task, read[task], problems=())

    def _send(self, read: dict[int, Annotations], *, submit: bool) -> None:
        pairs: Any = read
        if self.existing == "add":
            tasks = self.queryset.entity.objects.using(self.queryset.session)
            rows = tasks.only("project_id", "data").in_bulk(list(read))
            pairs = {task: self._document(task, read[key]) for key, task in rows.items()}
        self.queryset.annotate_many(pairs, submit=submit, **self.how)

    def _fail(self, task: int | None, reason: str, *, path: str = "") -> None:
        self.report.add("failed", ReportEntry(task, reason, path=path))


def _fitted(values: Iterable[Annotation], size: Size, *, outside: Outside) -> list[Annotation]:
    found: list[Annotation] = []
    faults: list[str] = []
    for index, value in enumerate(values):
        try:
            found.append(fitted(value, width=size[0], height=size[1], outside=outside))
        except ValueError as error:
            faults.append(f"[{index}] {type(value).__name__} {value.class_name!r} {error}")
    if faults:
        more = f" … and {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
        raise QueryError("; ".join(faults[:_SHOWN]) + more)
    return found


def _key(given: Any) -> int:
    key: int = given if isinstance(given, int) else given.pk
    return key
