"""The labels of pictures in files of each format, found without reading more than is needed."""

from __future__ import annotations

import json
import unicodedata

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from synapse.annotations import Annotation, Annotations, Label, OtherAnnotation
from synapse.annotations.geometry import TYPES
from synapse.errors import MappingError, QueryError, TransferError, describe
from synapse.interop.formats import coco, voc, voc_masks, yolo
from synapse.interop.formats.data_yaml import DataYaml, read_data_yaml
from synapse.interop.formats.draft import stem_of
from synapse.interop.formats.problems import Problem, failed
from synapse.interop.formats.writers import OBJECT

Size: TypeAlias = tuple[int, int]
Found: TypeAlias = tuple[Sequence[Annotation], Sequence[Problem]]
_MOST_CLASSES: Final = 100_000
_PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif"})


@attrs.frozen(kw_only=True, eq=False)
class PictureLabels:
    """The labels of the picture `name`, at `path`; `read` gives them for a picture of a size, which YOLO needs.

    Without `has_ending`, the name is that of the labels, which have an ending of their own.
    """

    name: str
    path: str
    read: Callable[[Size], Found]
    size: Size | None = None
    key: object = None
    needs_size: bool = False
    has_ending: bool = True


@attrs.frozen(kw_only=True)
class Source:
    """Files of a format, and what is to be known of YOLO's."""

    root: Path
    kind: yolo.Kind = "detect"
    classes: tuple[str, ...] | None = None

    def files(self, folder: str, pattern: str) -> list[Path]:
        """Find files in order, in a sub-folder where there is one of the name; a path of one file gives that."""
        if self.root.is_file():
            return [self.root]
        base = self.root / folder if (self.root / folder).is_dir() else self.root
        return sorted(path for path in base.rglob(pattern) if path.is_file())

    @property
    def base(self) -> Path:
        """The folder that holds the files."""
        return self.root if self.root.is_dir() else self.root.parent

    def shown(self, path: Path) -> str:
        """Give a path below the folder."""
        return path.relative_to(self.base).as_posix() if path.is_relative_to(self.base) else str(path)


def labels_of(source: Source, format: str) -> Iterator[PictureLabels | Problem]:
    """Give the labels of each picture; a file that can't be read is a problem."""
    found = False
    for each in _READERS[format](source):
        found = True
        yield each
    if not found:
        raise TransferError(
            f"{str(source.root)!r} holds no labels of the format {format!r}; nothing was sent"
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise MappingError(f"it is no text in UTF-8: {error}") from None
    except OSError as error:
        raise MappingError(f"it can't be read ({error.strerror})") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MappingError(f"this is no JSON: {error}") from None


def _fixed(values: Iterable[Annotation], problems: Iterable[Problem] = ()) -> Callable[[Size], Found]:
    found = values if isinstance(values, Annotations) else tuple(values), tuple(problems)
    return lambda _: found


def _coco(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("", "*.json"):
        shown = source.shown(path)
        try:
            for each in coco.read(_json(_text(path))):
                problems = [
                    attrs.evolve(problem, path=f"{shown}: {problem.path}") for problem in each.problems
                ]
                name = each.image.get("file_name")
                if not isinstance(name, str) or not name:
                    yield from problems or [failed(f"{shown}: images", "an image has no file_name")]
                    continue
                sides = each.image.get("width"), each.image.get("height")
                yield PictureLabels(
                    name=name,
                    path=f"{shown}: {name}",
                    read=_fixed(each.annotations, problems),
                    size=sides if all(type(side) is int and side > 0 for side in sides) else None,  # type: ignore[arg-type]
                    key=each.image.get("id"),
                )
        except MappingError as error:
            yield failed(shown, str(error))


def _yolo(source: Source) -> Iterator[PictureLabels | Problem]:
    if source.kind == "classify":
        yield from _imagefolder(source)
        return
    told = (
        DataYaml(base=source.base)
        if source.classes and source.kind != "pose"
        else read_data_yaml(source.root)
    )
    names = source.classes or _filled(told.names)
    points = told.points
    if source.kind == "pose":
        names, points = _filled(told.names) or (OBJECT,), points or source.classes or ()
    if not names:
        raise QueryError(
            "YOLO's labels are numbers: put data.yaml or classes.txt into the folder, or pass classes=[...]. "
            "Nothing was sent"
        )
    dataset = yolo.DataSet(kind=source.kind, classes=names, points=points)
    for path in _texts(source.root, told.base):
        shown = source.shown(path)

        def read(size: Size, path: Path = path, shown: str = shown) -> Found:
            lines = _text(path).splitlines()
            values, problems = yolo.read(lines, dataset=dataset, width=size[0], height=size[1])
            return values, [attrs.evolve(each, path=f"{shown}: {each.path}") for each in problems]

        yield PictureLabels(name=path.stem, path=shown, read=read, needs_size=True, has_ending=False)


def _filled(names: Mapping[int, str]) -> tuple[str, ...]:
    """Give the names by number; one that is missing is empty."""
    if max(names, default=0) > _MOST_CLASSES:
        raise MappingError(f"the data set has a class {max(names):,}; numbers go up to {_MOST_CLASSES:,}")
    return tuple(names.get(number, "") for number in range(max(names, default=-1) + 1))


def _texts(root: Path, base: Path) -> list[Path]:
    """Find the files of labels: those in folders called `labels`, where there are some; a README may lie beside."""
    if root.is_file() and root.suffix.lower() == ".txt":
        return [root]
    found = sorted(path for path in base.rglob("*.txt") if path.is_file() and path.name != "classes.txt")
    inside = [path for path in found if "labels" in (base.name, *path.relative_to(base).parts[:-1])]
    return inside or found


def _voc(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("Annotations", "*.xml"):
        shown = source.shown(path)
        try:
            found = voc.read(_text(path))
        except MappingError as error:
            yield failed(shown, str(error))
            continue
        problems = [attrs.evolve(each, path=f"{shown}: {each.path}") for each in found.problems]
        masks = source.base / voc_masks.OBJECTS / f"{path.stem}.png"
        read = _fixed(found.annotations, problems)
        if masks.is_file():
            boxes = dict(zip(found.numbers, found.annotations, strict=True))
            read = partial(_masked, boxes, masks, problems)
        yield PictureLabels(
            name=found.file_name or path.stem,
            has_ending=bool(found.file_name),
            path=shown,
            read=read,
            size=(found.width, found.height) if found.width and found.height else None,
        )


def _masked(boxes: Mapping[int, Annotation], masks: Path, problems: Sequence[Problem], _: Size) -> Found:
    values, more = voc_masks.with_masks(boxes, masks)
    return values, [*problems, *more]


def _imagefolder(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("", "*"):
        if path.suffix.lower() not in _PICTURES:
            continue
        if path.parent == source.base:
            yield failed(source.shown(path), "it lies in no folder that names its class")
        else:
            yield PictureLabels(
                name=path.name, path=source.shown(path), read=_fixed([Label(path.parent.name)])
            )


def _dm_v2(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("json", "*.json"):
        shown = source.shown(path)
        try:
            document = _json(_text(path))
            inner = document.get("data") if isinstance(document, dict) else None
            values = Annotations.from_v2(inner if isinstance(inner, dict) else document)
        except MappingError as error:
            yield failed(shown, str(error))
        else:
            # v2 numbers the media, so that a unit of one picture may call it otherwise.
            yield PictureLabels(name=path.stem, path=shown, read=_readable(values, shown), has_ending=False)


def _jsonl(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("", "*.jsonl"):
        # Not splitlines(): texts in JSON may hold what it takes for the end of a line.
        for number, line in enumerate(_text(path).split("\n"), 1):
            shown = f"{source.shown(path)}: line {number}"
            try:
                row = _json(line) if line.strip() else None
                if row is None:
                    continue
                if not isinstance(row, Mapping) or not isinstance(row.get("file_name"), str):
                    raise MappingError(f"a line has id, file_name and data, this is {describe(row)}")
                values = Annotations.from_v1(row.get("data"))  # type: ignore[arg-type]
            except MappingError as error:
                yield failed(shown, str(error))
            else:
                read = _readable(values, shown)
                yield PictureLabels(name=row["file_name"], path=shown, read=read, key=row.get("id"))


def _readable(values: Annotations, shown: str) -> Callable[[Size], Found]:
    """Refuse what a document of the backend's may hold, and no file should: geometry that can't be read."""
    good: list[Annotation] = []
    problems = []
    for each in values:
        if isinstance(each, OtherAnnotation) and each.tool in TYPES:
            problems.append(failed(f"{shown}: {each.tool} {each.id!r}", "its geometry can't be read"))
        else:
            good.append(each)
    return _fixed(values.replace(good) if problems else values, problems)


_READERS: Final[Mapping[str, Callable[[Source], Iterator[PictureLabels | Problem]]]] = {
    "coco": _coco,
    "yolo": _yolo,
    "voc": _voc,
    "imagefolder": _imagefolder,
    "dm_v2": _dm_v2,
    "jsonl": _jsonl,
}


def key_of(name: str, *, match: str, has_ending: bool = True) -> str:
    """Give what a picture is found by: the last part of its path, or that without the ending.

    >>> key_of("day/2026.01.02.PNG", match="stem"), key_of("2026.01.02", match="stem", has_ending=False)
    ('2026.01.02', '2026.01.02')
    """
    last = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]).casefold()
    return stem_of(last) if match == "stem" and has_ending else last
