"""Tasks with the picture that their annotations are drawn on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from synapse.annotations import Annotation, Annotations, kind_of
from synapse.downloads import RemoteFile
from synapse.errors import ConfigError, MappingError, QueryError, TransferError, did_you_mean
from synapse.interop.formats.problems import Problem, skipped
from synapse.interop.formats.report import AnnotationReport, ReportEntry
from synapse.session import Session

if TYPE_CHECKING:
    from PIL.Image import Image

BATCH: Final = 100
FIELDS: Final = ("project_id", "ground_truth_dataset_id", "data_unit_id", "category", "data", "files")
T = TypeVar("T")
_ORIENTATION: Final = 0x0112
_TURNED: Final = (5, 6, 7, 8)


class NoPictureError(ValueError):
    """A task that has no such picture; the message says what it has."""


@attrs.define(kw_only=True)
class Item:
    """A task, the `name` of its picture in the export, and what is drawn on that."""

    key: Any
    row: Any
    specification: str
    file: RemoteFile | None
    name: str
    split: str
    annotations: Annotations
    values: tuple[Annotation, ...]
    problems: tuple[Problem, ...] = ()
    size: tuple[int, int] | None = None

    @property
    def width(self) -> int:
        """The width of the picture, in pixels."""
        return self.size[0] if self.size else 0

    @property
    def height(self) -> int:
        """The height of the picture, in pixels."""
        return self.size[1] if self.size else 0


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Cut items into lists of a hundred."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def picture_of(files: Mapping[str, RemoteFile], *, specification: str | None) -> str:
    """Choose the file that is annotated: the one that was asked for, else the primary picture, else the first."""
    if specification is not None:
        if specification not in files:
            raise NoPictureError(f"it has no file {specification!r}{did_you_mean(specification, files)}")
        return specification
    pictures = [name for name, file in files.items() if (kind_of(name) or file.file_type) == "image"]
    if not pictures:
        raise NoPictureError(f"it has no picture, only {', '.join(files) or 'no file at all'}")
    return next((name for name in pictures if files[name].is_primary), pictures[0])


def drawn_on(values: Iterable[Annotation], name: str) -> tuple[tuple[Annotation, ...], tuple[Problem, ...]]:
    """Give the annotations of a file, and those of other files as problems."""
    mine: list[Annotation] = []
    others: list[Problem] = []
    for each in values:
        if each.media == name or each.media is None:
            mine.append(each)
        else:
            said = f"it is drawn on {each.media}: export(specification={each.media!r}) writes that"
            others.append(skipped(each, said))
    return tuple(mine), tuple(others)


def with_sizes(items: Iterable[Item], *, session: Session, report: AnnotationReport) -> Iterator[Item]:
    """Give items with the size of their picture; one whose size can't be known goes into the report instead."""
    waiting: list[Item] = []
    for item in items:
        # What is held longer than needed is what the garbage collector walks through again and again.
        if item.size and not waiting:
            yield item
            continue
        waiting.append(item)
        if len(waiting) == BATCH:
            yield from _sized(waiting, session=session, report=report)
            waiting = []
    yield from _sized(waiting, session=session, report=report)


def _sized(items: list[Item], *, session: Session, report: AnnotationReport) -> Iterator[Item]:
    for item, size, error in session.map(_size_of, items):
        if error is None:
            yield attrs.evolve(item, size=size)
        else:
            report.add("failed", ReportEntry(item.key, f"the size of its picture is not known: {error}"))


def _size_of(item: Item) -> tuple[int, int]:
    if item.file is None:
        raise TransferError("it has no picture")
    return item.size or header_size(item.file)


def size_in_meta(file: RemoteFile) -> tuple[int, int] | None:
    """Give the size that the file's meta tells."""
    found = [file.meta.get(side) for side in ("width", "height")]
    width, height = (each if type(each) is int and each > 0 else None for each in found)
    return (width, height) if width and height else None


def header_size(file: RemoteFile) -> tuple[int, int]:
    """Read the size of a picture from its first bytes."""
    try:
        from PIL import Image as images
        from PIL import UnidentifiedImageError
    except ModuleNotFoundError:
        raise ConfigError(
            "its meta has no width and height, and reading them from pictures needs pillow: "
            'pip install "synapse-orm[formats]"',
            code="missing-library",
        ) from None
    with file.open(verify=False) as stream:
        try:
            with images.open(stream) as picture:
                return upright_size(picture)
        except (UnidentifiedImageError, OSError, ValueError, images.DecompressionBombError) as error:
            raise TransferError(f"{file.name!r} is no picture that can be read ({error})") from None


def upright_size(picture: Image) -> tuple[int, int]:
    """Give the size of a picture as it is seen, and drawn upon: turned as its camera says."""
    width, height = picture.size
    return (height, width) if picture.getexif().get(_ORIENTATION) in _TURNED else (width, height)


def annotations_of(row: Any) -> Annotations | None:
    """Read the annotations of a row; None where it was never annotated."""
    data = row.data
    return Annotations._from_own_v1(data) if data else None


def unit_of(row: Any) -> int:
    """Give the key of a row's unit, which tasks of other projects and ground truths share; else its own."""
    key: int = row.pk if row.data_unit_id is None else row.data_unit_id
    return key


def rows_of(queryset: Any, report: AnnotationReport) -> Iterator[Any]:
    """Give the rows of a query with what an export needs, and count those that don't fit their entity."""
    fields = [name for name in FIELDS if name in queryset.entity._schema.names]
    rows = queryset.only(*fields).iterator()
    while True:
        try:
            yield next(rows)
        except StopIteration:
            return
        except MappingError as error:
            if error.row is None:
                raise
            report.add("failed", ReportEntry(error.key, str(error)))


def check_specification(given: object) -> str | None:
    """Take the name of a file specification."""
    if given is not None and (not isinstance(given, str) or not given):
        raise QueryError(f"specification is a name such as 'image_1', got {given!r}; nothing was sent")
    return given
