"""The labels of pictures in files of each format, found without reading more than is needed."""

from __future__ import annotations

import json
import re
import unicodedata

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from synapse.annotations import Annotation, Annotations, Label
from synapse.errors import MappingError, QueryError, describe
from synapse.interop.formats import coco, voc, yolo
from synapse.interop.formats.draft import stem_of
from synapse.interop.formats.problems import Problem, failed
from synapse.interop.formats.writers import OBJECT

Size: TypeAlias = tuple[int, int]
Found: TypeAlias = tuple[tuple[Annotation, ...], Sequence[Problem]]
_PICTURES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif"})


@attrs.frozen(kw_only=True, eq=False)
class PictureLabels:
    """The labels of the picture `name`, at `path`; `read` gives them for a picture of a size, which YOLO needs."""

    name: str
    path: str
    read: Callable[[Size], Found]
    size: Size | None = None
    key: object = None
    needs_size: bool = False


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

    def shown(self, path: Path) -> str:
        """Give a path below the root."""
        return path.name if path == self.root else path.relative_to(self.root).as_posix()


def labels_of(source: Source, format: str) -> Iterator[PictureLabels | Problem]:
    """Give the labels of each picture; a file that can't be read is a problem."""
    return _READERS[format](source)


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
    found = tuple(values), tuple(problems)
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
    names, points = _yolo_classes(source)
    dataset = yolo.DataSet(kind=source.kind, classes=names, points=points)
    for path in source.files("labels", "*.txt"):
        if path.name == "classes.txt":
            continue
        shown = source.shown(path)

        def read(size: Size, path: Path = path, shown: str = shown) -> Found:
            lines = _text(path).splitlines()
            values, problems = yolo.read(lines, dataset=dataset, width=size[0], height=size[1])
            return values, [attrs.evolve(each, path=f"{shown}: {each.path}") for each in problems]

        yield PictureLabels(name=path.stem, path=shown, read=read, needs_size=True)


def _yolo_classes(source: Source) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the names of classes and points from `data.yaml`, or from `classes.txt`."""
    text = ""
    for path in [source.root / "data.yaml", source.root / "data.yml"]:
        if path.is_file():
            text = _text(path)
    names = source.classes or _yaml_list(text, "names")
    listed = source.root / "classes.txt"
    if not names and listed.is_file():
        names = tuple(line.strip() for line in _text(listed).splitlines() if line.strip())
    points = _yaml_list(text, "kpt_names")
    if source.kind == "pose":
        names, points = names or (OBJECT,), points or source.classes or ()
    if not names:
        raise QueryError(
            "YOLO's labels are numbers: put data.yaml or classes.txt into the folder, or pass classes=[...]. "
            "Nothing was sent"
        )
    return names, points


def _yaml_list(text: str, key: str) -> tuple[str, ...]:
    """Read a list of names from YAML as data sets have it: `[a, b]`, `- a` or `0: a`.

    >>> _yaml_list('nc: 2\\nnames:\\n  0: "stop"\\n  1: car\\n', "names"), _yaml_list("names: [a, 'b']", "names")
    (('stop', 'car'), ('a', 'b'))
    """
    found = re.search(
        rf"^{key}:[ \t]*(\[.*?\])?[ \t]*\n?((?:[ \t]*(?:-|\d+:).*\n?)*)", text, re.MULTILINE | re.DOTALL
    )
    if not found:
        return ()
    block = found[2] if not found[1] else ""
    nested = re.search(r"\[.*?\]", block, re.DOTALL)
    if found[1] or nested:
        inner = found[1] or (nested[0] if nested else "")
        return tuple(map(_unquoted, re.findall(r"\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^,\[\]\s][^,\[\]\n]*", inner)))
    lines = re.findall(r"^[ \t]*(?:-|\d+:)[ \t]*(.*?)[ \t]*$", block, re.MULTILINE)
    return tuple(map(_unquoted, lines))


def _unquoted(text: str) -> str:
    text = text.strip()
    if text[:1] == '"':
        return str(_json(text))
    return text[1:-1] if text[:1] == "'" else text


def _voc(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("Annotations", "*.xml"):
        shown = source.shown(path)
        try:
            found = voc.read(_text(path))
        except MappingError as error:
            yield failed(shown, str(error))
            continue
        problems = [attrs.evolve(each, path=f"{shown}: {each.path}") for each in found.problems]
        yield PictureLabels(
            name=found.file_name or path.stem,
            path=shown,
            read=_fixed(found.annotations, problems),
            size=(found.width, found.height) if found.width and found.height else None,
        )


def _imagefolder(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("", "*"):
        if path.suffix.lower() in _PICTURES and path.parent != source.root:
            label = Label(path.parent.name)
            yield PictureLabels(name=path.name, path=source.shown(path), read=_fixed([label]))


def _dm_v2(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("json", "*.json"):
        shown = source.shown(path)
        try:
            values = Annotations.from_v2(_json(_text(path)))
        except MappingError as error:
            yield failed(shown, str(error))
        else:
            # v2 numbers the media, so that a unit of one picture may call it otherwise.
            yield PictureLabels(name=path.stem, path=shown, read=_fixed(values))


def _jsonl(source: Source) -> Iterator[PictureLabels | Problem]:
    for path in source.files("", "*.jsonl"):
        for number, line in enumerate(_text(path).splitlines(), 1):
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
                yield PictureLabels(name=row["file_name"], path=shown, read=_fixed(values), key=row.get("id"))


_READERS: Final[Mapping[str, Callable[[Source], Iterator[PictureLabels | Problem]]]] = {
    "coco": _coco,
    "yolo": _yolo,
    "voc": _voc,
    "imagefolder": _imagefolder,
    "dm_v2": _dm_v2,
    "jsonl": _jsonl,
}


def key_of(name: str, *, match: str) -> str:
    """Give what a picture is found by: the last part of its path, or that without the ending."""
    last = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2]).casefold()
    return stem_of(last) if match == "stem" else last
