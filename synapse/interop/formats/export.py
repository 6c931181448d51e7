"""`Task.objects.filter(…).export(…)`: annotations as a folder that others train on."""

from __future__ import annotations

import hashlib
import math

from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from os import PathLike
from typing import Any, Final, Literal

import attrs

from synapse.annotations import Annotations
from synapse.downloads import FileCache, RemoteFile, WantedFile, download_files
from synapse.downloads.file_names import safe_name
from synapse.entities.choices import Split
from synapse.errors import MappingError, QueryError, describe, did_you_mean
from synapse.interop.formats.draft import MARKER, Draft, UniqueNames, checked_target, drafted
from synapse.interop.formats.items import (
    Item,
    NoPictureError,
    annotations_of,
    check_specification,
    drawn_on,
    picture_of,
    rows_of,
    size_in_meta,
    unit_of,
    with_sizes,
)
from synapse.interop.formats.report import AnnotationReport, ReportEntry
from synapse.interop.formats.writers import WRITERS, Writer, writer_of
from synapse.interop.formats.yolo import Kind, check_kind
from synapse.mapping.json import readable
from synapse.orm import arguments
from synapse.session import Session
from synapse.transfer import ProgressLike

_TOLERANCE: Final = 1e-9


def export(
    queryset: Any,
    folder: str | PathLike[str],
    *,
    format: str,
    kind: Kind = "detect",
    files: Literal["download", "link"] | None = None,
    split: Mapping[str, float] | Literal["category"] | None = None,
    lossy: Literal["report", "refuse"] = "report",
    specification: str | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    progress: ProgressLike = None,
    cache: FileCache | None = None,
) -> AnnotationReport:
    """Write the annotations of a query into a folder, and report what did not go as it is."""
    check_format("export", format, files=files, lossy=lossy)
    made = writer_of(format, check_kind(kind, format))
    _check_files(made, format, files=files, cache=cache)
    parts = _Parts.of(split, queryset.entity)
    check_specification(specification)
    target = checked_target(folder, overwrite=arguments.flag("export(overwrite=...)", overwrite))
    report = AnnotationReport(f"{format} in {target}", folder=target)
    with drafted(target) as draft:
        writer = made(draft, splits=parts.names, kind=kind)
        run = _Export(
            queryset=queryset,
            writer=writer,
            report=report,
            parts=parts,
            specification=specification,
            refuses=lossy == "refuse",
            fetches=files is not None,
        )
        with closing(run.pictures()) as pictures:
            _fetch(
                queryset.session,
                pictures,
                draft,
                report,
                files=files,
                workers=workers,
                progress=progress,
                cache=cache,
            )
        run.check()
        writer.finish()
        draft.write(MARKER, readable({"format": format}) + b"\n")
    return report


def check_format(method: str, format: object, *, files: object = None, lossy: object = "report") -> str:
    """Take the name of a format, and how it is written."""
    if not isinstance(format, str) or format not in WRITERS:
        hint = did_you_mean(format, WRITERS) if isinstance(format, str) else ""
        raise QueryError(
            f"{method}(format=...) takes {', '.join(map(repr, WRITERS))}, got {describe(format)}{hint}; "
            "nothing was sent"
        )
    if files not in ("download", "link", None):
        raise QueryError(
            f"{method}(files=...) takes 'download', 'link' or None, got {describe(files)}; nothing was sent"
        )
    if lossy not in ("report", "refuse"):
        raise QueryError(
            f"{method}(lossy=...) takes 'report' or 'refuse', got {describe(lossy)}; nothing was sent"
        )
    return format


def _check_files(writer: type[Writer], format: str, *, files: object, cache: object) -> None:
    if files == "link" and cache is None:
        raise QueryError(
            "export(files='link') links to the files of a cache: pass cache=FileCache('…'), or files='download'. "
            "Nothing was sent"
        )
    if writer.needs_files and files is None:
        raise QueryError(f"{format!r} is a folder of pictures: pass files='download'. Nothing was sent")


def _shares(given: object) -> dict[str, float]:
    """Check the shares of a split; without one there is a single part, whose name is empty."""
    if given is None:
        return {"": 1.0}
    if not isinstance(given, Mapping) or not given:
        raise QueryError(f"split takes shares such as {{'train': 0.8, 'val': 0.2}}, got {describe(given)}")
    for name, share in given.items():
        if not isinstance(name, str) or not name.isascii() or safe_name(name) != name:
            raise QueryError(f"split: {describe(name)} cannot be the name of a folder; nothing was sent")
        if not isinstance(share, int | float) or isinstance(share, bool) or not 0 < share <= 1:
            raise QueryError(f"split: the share of {name!r} is a number above 0, got {describe(share)}")
    if len({name.casefold() for name in given}) < len(given):
        raise QueryError("split: two names differ in case only, which are one folder on many systems")
    total = math.fsum(given.values())
    if abs(total - 1) > _TOLERANCE:
        raise QueryError(f"split: the shares sum up to {total:g}, not to 1; nothing was sent")
    return dict(given)


def split_of(key: object, shares: Mapping[str, float]) -> str:
    """Choose the part by the key alone, so that rows that come later move none of the others.

    >>> split_of(7, {"train": 0.8, "val": 0.2})
    'train'
    """
    place = int.from_bytes(hashlib.sha256(str(key).encode()).digest()[:8]) / 2**64
    for name, share in shares.items():
        place -= share
        if place < 0:
            return name
    return list(shares)[-1]


@attrs.frozen
class _Parts:
    """The parts of an export by name, and which one a row belongs to; without a split the only name is empty."""

    names: tuple[str, ...]
    shares: Mapping[str, float] | None

    @classmethod
    def of(cls, split: object, entity: Any) -> _Parts:
        if split != "category":
            shares = _shares(split)
            return cls(tuple(shares), shares)
        if "category" not in entity._schema.names:
            raise QueryError(
                f"split='category': a {entity.__name__} has none, only ground truths and their events do. "
                "split={'train': 0.8, 'val': 0.2} gives each part its share. Nothing was sent"
            )
        return cls(tuple(each.value for each in Split), None)

    def choose(self, row: Any) -> str:
        """Give the part of a row."""
        if self.shares is None:
            if row.category not in self.names:
                raise MappingError(f"its category is {row.category!r}, none of {', '.join(self.names)}")
            return str(Split(row.category).value)
        if len(self.names) == 1:
            return self.names[0]
        return split_of(unit_of(row), self.shares)


@attrs.define(kw_only=True)
class _Export:
    queryset: Any
    writer: Writer
    report: AnnotationReport
    parts: _Parts
    specification: str | None
    refuses: bool
    fetches: bool
    names: UniqueNames = attrs.Factory(UniqueNames)
    projects: set[Any] = attrs.Factory(set)

    def pictures(self) -> Generator[WantedFile, None, None]:
        """Write task by task, and give the picture of each with its place in the folder."""
        items = self._items()
        if self.writer.needs_size:
            items = with_sizes(items, session=self.queryset.session, report=self.report)
        for item in items:
            problems = self.writer.write(item)
            self.report.add_task(item.key, item.values, problems=[*item.problems, *problems])
            place = self.writer.place(item)
            if place is None:
                self.report.add("skipped", ReportEntry(item.key, "its picture has several classes, or none"))
            if self._is_refused():
                return
            if self.fetches and place is not None and item.file is not None:
                file = attrs.evolve(item.file, path=place)
                yield WantedFile(item.key, item.specification, file, renew=self._renewal(item, place))

    def _items(self) -> Iterator[Item]:
        for row in rows_of(self.queryset, self.report):
            if self._is_refused():
                return
            try:
                name, file = self._picture(row)
                # Rows that are left out take a name as well: it must not be that of a later one.
                given = self.names.give(file.name if file else str(row.pk), unit_of(row))
                found = self._annotations(row)
                if found is None:
                    self.report.add("skipped", ReportEntry(row.pk, "it has no annotations yet"))
                else:
                    self._know_project(row)
                    yield self._item(row, found, given=given, file=file, specification=name)
            except (MappingError, NoPictureError) as error:
                self.report.add("failed", ReportEntry(row.pk, str(error)))

    def _annotations(self, row: Any) -> Annotations | None:
        try:
            return annotations_of(row)
        except MappingError:
            if not self.writer.takes_any_data:
                raise
            return Annotations()

    def _picture(self, row: Any) -> tuple[str, RemoteFile | None]:
        files: dict[str, RemoteFile] = row.files or {}
        try:
            name = picture_of(files, specification=self.specification)
        except NoPictureError:
            if self.writer.needs_picture:
                raise
            name = next(iter(files), "")
        return name, files.get(name)

    def _item(
        self, row: Any, found: Annotations, *, given: str, file: RemoteFile | None, specification: str
    ) -> Item:
        values, others = (
            (tuple(found), ()) if not self.writer.needs_picture else drawn_on(found, specification)
        )
        return Item(
            key=row.pk,
            row=row,
            specification=specification,
            file=file,
            name=given,
            split=self.parts.choose(row),
            annotations=found,
            values=values,
            problems=others,
            size=size_in_meta(file) if file else None,
        )

    def _know_project(self, row: Any) -> None:
        """Read the classes of a row's project, once each."""
        owner = row if getattr(row, "project_id", None) is not None else row.ground_truth_dataset
        if owner.project_id not in self.projects:
            self.projects.add(owner.project_id)
            if owner.project is not None:
                self.writer.classes.add_project(owner.project.configuration)

    def _renewal(self, item: Item, place: str) -> Any:
        """Read a row once more, whose signed addresses have run out."""

        def renew() -> RemoteFile | None:
            row = self.queryset.entity.objects.using(self.queryset.session).get(item.key)
            file = row.files.get(item.specification)
            return None if file is None else attrs.evolve(file, path=place)

        return renew

    def _is_refused(self) -> bool:
        return self.refuses and not self.report.is_complete

    def check(self) -> None:
        """Raise where something is lost, and that is refused."""
        entry = self.report.first_problem()
        if self.refuses and entry is not None:
            raise MappingError(
                f"export(lossy='refuse'): {entry}. Nothing was written; lossy='report' writes what the format holds, "
                "and lists what it doesn't"
            )


def _fetch(
    session: Session,
    pictures: Iterator[WantedFile],
    draft: Draft,
    report: AnnotationReport,
    *,
    files: Any,
    **how: Any,
) -> None:
    """Draw what is to be written, with the pictures or without."""
    if files is None:
        for _ in pictures:
            pass
        return
    outcomes = download_files(
        session, pictures, folder=draft.root, original_paths=True, link=files == "link", **how
    )
    for outcome in outcomes.failed:
        reason = f"its picture could not be fetched: {outcome.error}"
        report.add("failed", ReportEntry(outcome.key, reason))
