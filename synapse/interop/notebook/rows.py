"""Rows with their pictures: one beside its fields, many as a contact sheet; collections, jobs and files."""

from __future__ import annotations

import importlib.util

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.annotations import Annotation, kind_of
from synapse.downloads import RemoteFile
from synapse.entities import DataCollection, Job
from synapse.errors import ConfigError, MappingError, QueryError, TransferError, describe
from synapse.interop.notebook.drawing import Drawing, colours_of, legend, svg
from synapse.interop.notebook.markup import cell, cut, fields, more, reason, text, title, view
from synapse.interop.notebook.painting import mask_overlay, painted
from synapse.interop.notebook.picture import fetch, opened, thumbnail
from synapse.interop.notebook.tables import MORE, SHOWN, rows_table, shown_fields
from synapse.interop.notebook.workers import NotShownError, Workers
from synapse.mapping import UNSET
from synapse.orm import Entity, QuerySet
from synapse.orm.lazy import known_related
from synapse.orm.queryset import first_rows
from synapse.orm.record import has, schema_of, state_of
from synapse.orm.selection import Selection
from synapse.session.interrupts import is_from_signal
from synapse.showing import View

if TYPE_CHECKING:
    from PIL.Image import Image

    from synapse.entities import Task

SIDE: Final = 480
SMALL_SIDE: Final = 160
MOST_BYTES: Final = 150_000
MOST_BYTES_A_ROW: Final = 60_000
MOST_COLUMNS: Final = 10
MOST_WIDTH: Final = 10_000
_UNITS: Final = 8
_THREADS: Final = 8
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff")


@attrs.frozen
class Pictured:
    """A row with what was loaded of its files and annotations."""

    row: Entity
    files: Mapping[str, RemoteFile]
    annotations: tuple[Annotation, ...] = ()

    @classmethod
    def of(cls, row: Any) -> Pictured:
        """Load them; annotations in a form that can't be read are none."""
        files = {name: file for name, file in (_held(row) or {}).items() if file is not None}
        try:
            return cls(row, files, tuple(getattr(row, "annotations", ())))
        except MappingError:
            return cls(row, files)

    @property
    def picture(self) -> tuple[str, RemoteFile] | None:
        """The picture to show, by its specification: the primary one, else the first."""
        found = [(name, file) for name, file in self.files.items() if _is_picture(name, file)]
        return min(found, key=lambda each: not each[1].is_primary, default=None)

    @property
    def drawn(self) -> list[Annotation]:
        """The annotations of the picture; without one, all."""
        media = (None, self.picture[0]) if self.picture else None
        return [each for each in self.annotations if media is None or each.media in media]


def _held(row: Any) -> Mapping[str, RemoteFile | None] | None:
    """Give the files of a row, or those of its unit, where that came with it."""
    fields = schema_of(type(row)).fields
    if "files" not in fields:
        return {"": row.file}
    unit = UNSET if has(row, "files") else known_related(row, "data_unit")
    held: Mapping[str, RemoteFile | None] = unit.files if unit and has(unit, "files") else row.files
    return held


def _is_picture(name: str, file: RemoteFile) -> bool:
    if file.file_type is not None:
        return file.file_type == "image"
    return kind_of(name) == "image" or file.name.lower().endswith(_PICTURES)


def _has_files(entity: type[Entity]) -> bool:
    return not {"file", "files"}.isdisjoint(schema_of(entity).fields)


# --- one row -----------------------------------------------------------------
def entity_html(row: Entity) -> str:
    """Show the fields of an object, and what can be seen of it."""
    return view(row, _entity)


def _entity(row: Entity, threads: Workers) -> str:
    beside = ""
    if isinstance(row, Job):
        beside = _progress(row)
    elif state_of(row).saved:
        try:
            beside = _seen(row, threads)
        except Exception as error:
            if is_from_signal(error):
                raise
            beside = reason(error)
    named = title(f"{type(row).__name__} {'(new)' if row.pk is None else row.pk}")
    return (
        f'{named}<div class="beside"><div>{beside}</div><div>{fields(shown_fields(row).items())}</div></div>'
    )


def _seen(row: Entity, threads: Workers) -> str:
    if isinstance(row, DataCollection):
        return _sheet(row.units.all()[:_UNITS], threads, columns=4)
    if not _has_files(type(row)):
        return ""
    pictured = threads.call(Pictured.of, row)
    drawing = Drawing.of(pictured.drawn)
    return _picture(pictured, drawing, threads) + legend(drawing)


def _picture(pictured: Pictured, drawing: Drawing, threads: Workers) -> str:
    if pictured.picture is None:
        return more("no picture: " + (", ".join(file.name for file in pictured.files.values()) or "no files"))
    _, file = pictured.picture
    try:
        return threads.call(_drawn, file, drawing, side=SIDE, most=MOST_BYTES)
    except NotShownError as error:
        return more(file.name) + reason(error)


def _drawn(file: RemoteFile, drawing: Drawing, *, side: int, most: int) -> str:
    small = thumbnail(file, side=side, most=most)
    mask = mask_overlay(drawing, size=(small.width, small.height), side=side)
    return svg(small, drawing, side=side, mask=mask, name=file.name)


def _progress(job: Job) -> str:
    status = f"{cell(job.status)} " if has(job, "status") else ""
    percent = job.percent if has(job, "progress_record") else 0
    return f'<p>{status}<progress max="100" value="{percent:g}"></progress> {percent:g} %</p>'


def task_show(task: Task) -> View:
    """Show a task as notebooks do."""
    return View(entity_html(task), text=repr(task))


def task_picture(task: Task, *, width: int | None = None) -> Image:
    """Paint the annotations of a task over its picture."""
    if width is not None and (type(width) is not int or not 0 < width <= MOST_WIDTH):
        raise QueryError(f"picture(width=...) takes pixels from 1 to {MOST_WIDTH:,}, got {describe(width)}")
    if importlib.util.find_spec("PIL") is None:
        raise ConfigError(
            'picture() needs Pillow, which is not installed: pip install "synapse-orm[notebook]". Nothing was sent',
            code="missing-library",
        )
    pictured = Pictured.of(task)
    if pictured.picture is None:
        raise QueryError(
            f"task {task.pk} has no picture, only {', '.join(pictured.files) or 'no files at all'}"
        )
    try:
        size, image = opened(fetch(pictured.picture[1]))
    except NotShownError as error:
        raise TransferError(f"task {task.pk}: {error}") from error
    if width is not None:
        image = image.resize((width, max(1, round(image.height * width / image.width))))
    return painted(image, Drawing.of(pictured.drawn), size=size)


# --- files -------------------------------------------------------------------
def file_html(file: RemoteFile) -> str:
    """Show a picture, and of other files what is known."""
    return view(file, _file)


def _file(file: RemoteFile, threads: Workers) -> str:
    size = "" if file.size is None else f"{file.size:,} bytes"
    named = title(", ".join(filter(None, (file.name, file.file_type, size))))
    if not _is_picture("", file):
        return named
    try:
        return named + threads.call(_drawn, file, Drawing.of(()), side=SIDE, most=MOST_BYTES)
    except NotShownError as error:
        return named + reason(error)


# --- many rows ---------------------------------------------------------------
def queryset_show(queryset: QuerySet[Any], *, columns: int = 4) -> View:
    """Show the pictures of the first rows."""
    if type(columns) is not int or not 0 < columns <= MOST_COLUMNS:
        raise QueryError(
            f"show(columns=...) takes a number from 1 to {MOST_COLUMNS}, got {describe(columns)}"
        )
    shown = partial(_sheet, columns=columns) if _has_files(queryset.entity) else rows_table
    return View(view(queryset, shown, workers=_THREADS), text=repr(queryset))


def _sheet(queryset: QuerySet[Any], threads: Workers, *, columns: int) -> str:
    rows: list[Any] = threads.call(list, _with_units(first_rows(queryset, SHOWN + 1)))
    if not rows:
        return title(queryset.entity.__name__) + more("no rows")
    found = threads.call(lambda: [Pictured.of(row) for row in rows[:SHOWN]])
    drawn = [each for pictured in found for each in pictured.drawn]
    together = Drawing(drawn, colours_of(each.class_name for each in drawn))
    figures = _figures(found, together, threads, columns=columns)
    style = f'style="grid-template-columns:repeat({columns},max-content)"'
    rest = more(MORE) if len(rows) > SHOWN else ""
    return f'<div class="sheet" {style}>{"".join(figures)}</div>{legend(together)}{rest}'


def _with_units(asked: Selection[Any]) -> Selection[Any]:
    """Ask for rows with their units, which bring the files, where that takes no request of its own."""
    if asked._kept.whole:
        return asked
    try:
        return asked.select_related("data_unit")
    except QueryError:
        return asked


def _figures(found: list[Pictured], together: Drawing, threads: Workers, *, columns: int) -> Iterable[str]:
    """Draw side by side what comes in time; in the place of what doesn't stands its name."""
    side, most = min(SIDE, SMALL_SIDE * 4 // columns), MOST_BYTES_A_ROW * 3 // 4 // columns
    drawings = [attrs.evolve(together, annotations=pictured.drawn) for pictured in found]
    started = [
        pictured.picture and threads.start(_drawn, pictured.picture[1], drawing, side=side, most=most)
        for pictured, drawing in zip(found, drawings, strict=True)
    ]
    for pictured, future in zip(found, started, strict=True):
        yield _figure(pictured, future, threads)


def _figure(pictured: Pictured, future: Future[str] | None, threads: Workers) -> str:
    chosen = pictured.picture
    name = chosen[1].name if chosen else ", ".join(file.name for file in pictured.files.values())
    try:
        seen = threads.result(future) if future else ""
    except Exception as error:
        if is_from_signal(error):
            raise
        seen = reason(error)
    return f"<figure>{seen}<figcaption>{text(pictured.row.pk)} {text(cut(name))}</figcaption></figure>"
