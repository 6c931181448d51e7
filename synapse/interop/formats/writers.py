"""Each format as the files of a folder, written picture by picture."""

from __future__ import annotations

import re
import shutil

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Final

import attrs

from synapse.annotations import Annotation, Annotations, Box, Label, Mask, Point, Polygon, tools_of
from synapse.errors import MappingError
from synapse.interop.formats import coco, voc, voc_masks, yolo
from synapse.interop.formats.draft import Draft, UniqueNames, stem_of
from synapse.interop.formats.items import Item
from synapse.interop.formats.problems import Problem, lossy, skipped
from synapse.mapping.json import readable

OBJECT: Final = "person"
_PARTS: Final = {"validation": "val"}  # by the name that ultralytics looks for
SHAPES: Final = ("bounding_box", "polygon", "segmentation")
_TOOLS: Final = {"detect": SHAPES[:1], "segment": SHAPES[1:], "pose": (), "obb": SHAPES[:1]}
_TYPES: Final = {"bounding_box": Box, "polygon": Polygon, "segmentation": Mask}


@attrs.define
class ClassNames:
    """The classes of an export: those of the projects in their order, then those that only annotations have."""

    tools: tuple[str, ...]
    names: tuple[str, ...] = ()
    points: tuple[str, ...] = ()

    def add_project(self, configuration: Any) -> None:
        """Add the classes of a project; the points are those of the first one that has some."""
        found = tools_of(configuration)
        self._add(each.code for tool in self.tools if tool in found for each in found[tool].classes)
        if not self.points and "keypoint" in found:
            self.points = tuple(each.code for each in found["keypoint"].classes)

    def add_values(self, values: Sequence[Annotation]) -> None:
        """Add the classes that no project declares."""
        kinds = tuple(_TYPES[tool] for tool in self.tools)
        new = [each for each in values if each.class_name not in self.names]
        self._add(each.class_name for each in new if isinstance(each, kinds))
        if not self.points:
            named = (each.class_name for each in values if isinstance(each, Point))
            self.points = tuple(dict.fromkeys(name for name in named if name))

    def _add(self, names: Iterable[str | None]) -> None:
        new = [name for name in dict.fromkeys(names) if name and name not in self.names]
        if new:
            self.names = (*self.names, *new)


class Writer:
    """Writes one format; `write()` gives the problems of a task, `place()` where its picture goes."""

    needs_size: ClassVar[bool] = True
    needs_picture: ClassVar[bool] = True
    takes_any_data: ClassVar[bool] = False
    needs_files: ClassVar[bool] = False
    pictures: ClassVar[str] = "images"

    def __init__(self, draft: Draft, *, splits: tuple[str, ...], kind: yolo.Kind = "detect") -> None:
        self.draft = draft
        self.splits = splits
        self.classes = ClassNames(_TOOLS[kind] if isinstance(self, YoloWriter) else SHAPES)

    def write(self, item: Item) -> list[Problem]:
        """Write the annotations of a picture."""
        raise NotImplementedError

    def place(self, item: Item) -> str | None:
        """Give the path of a picture below the folder; None where the picture is left out."""
        return _joined(item.split, self.pictures, item.name)

    def finish(self) -> None:
        """Write what is known at the end."""


def _joined(*steps: str) -> str:
    return "/".join(step for step in steps if step)


class CocoWriter(Writer):
    """`annotations.json` of each split, beside its `images/`."""

    def __init__(self, draft: Draft, **options: Any) -> None:
        super().__init__(draft, **options)
        self._ids = coco.new_ids()
        self._known = coco.Categories(())
        self._parts: dict[str, tuple[_Rows, _Rows]] = {}
        for split in self.splits:
            document = draft.open(_joined(split, "annotations.json"))
            document.write(b'{"images":[')
            self._parts[split] = _Rows(document), _Rows(draft.open(_joined(split, ".annotations")))

    def write(self, item: Item) -> list[Problem]:
        """Add an image and its annotations; these wait in a file of their own for all images to be written."""
        self.classes.add_values(item.values)
        image = {"id": item.key, "file_name": item.name, "width": item.width, "height": item.height}
        made = coco.write(item.values, image=image, categories=self._categories(), ids=self._ids)
        images, annotations = self._parts[item.split]
        images.append([made.image])
        annotations.append(made.annotations)
        return made.problems

    def _categories(self) -> coco.Categories:
        # The category of points keeps its id, whatever classes come later.
        names = self.classes
        if names.points and OBJECT not in names.names:
            names.names = (*names.names, OBJECT)
        if (names.names, names.points) != (self._known.names, self._known.points):
            self._known = coco.Categories(names.names, points=names.points, object_name=OBJECT)
        return self._known

    def finish(self) -> None:
        """Put the parts together."""
        categories = readable(self._categories().to_json())
        for split, parts in self._parts.items():
            document, waiting = (rows.stream for rows in parts)
            document.write(b'],\n"annotations":[')
            waiting.seek(0)
            shutil.copyfileobj(waiting, document)
            document.write(b'],\n"categories":' + categories + b"}\n")
            waiting.close()
            (self.draft.root / _joined(split, ".annotations")).unlink()


@attrs.define
class _Rows:
    """A list in a JSON file that grows."""

    stream: BinaryIO
    _between: bytes = b"\n"

    def append(self, rows: list[Any]) -> None:
        """Write more of its items."""
        if rows:
            self.stream.write(self._between + readable(rows)[1:-1])
            self._between = b",\n"


class YoloWriter(Writer):
    """`labels/` and `images/`, each with a folder for each split, and `data.yaml`, as ultralytics lays them out."""

    def __init__(self, draft: Draft, *, kind: yolo.Kind = "detect", **options: Any) -> None:
        super().__init__(draft, kind=kind, **options)
        self.dataset = yolo.DataSet(kind=kind, classes=())

    def write(self, item: Item) -> list[Problem]:
        """Write the text of a picture."""
        self.classes.add_values(item.values)
        self._renew()
        lines, problems = yolo.write(item.values, dataset=self.dataset, width=item.width, height=item.height)
        text = "".join(f"{line}\n" for line in lines)
        self.draft.write(_joined("labels", item.split, f"{stem_of(item.name)}.txt"), text.encode())
        return problems

    def _renew(self) -> None:
        classes = (OBJECT,) if self.dataset.kind == "pose" else self.classes.names
        if (classes, self.classes.points) != (self.dataset.classes, self.dataset.points):
            self.dataset = attrs.evolve(self.dataset, classes=classes, points=self.classes.points)

    def place(self, item: Item) -> str:
        """Give the path that the labels' path leads to."""
        return _joined(self.pictures, item.split, item.name)

    def finish(self) -> None:
        """Write `data.yaml`, for which text in quotes as JSON has it will do."""
        self._renew()
        lines = [f"# YOLO {self.dataset.kind}".encode()]
        # A training takes both, and one may be the other.
        folders = {_PARTS.get(name, name) or part: name for name in self.splits for part in ("train", "val")}
        lines += [f"{name}: {_joined(self.pictures, split)}".encode() for name, split in folders.items()]
        if self.dataset.kind == "pose":
            lines.append(f"kpt_shape: [{len(self.dataset.points)}, 3]".encode())
            lines.append(b"kpt_names:\n  0: " + readable(list(self.dataset.points)))
        lines.append(b"names:" if self.dataset.classes else b"names: {}")
        lines += [f"  {index}: ".encode() + readable(name) for index, name in enumerate(self.dataset.classes)]
        self.draft.write("data.yaml", b"\n".join(lines) + b"\n")


class VocWriter(Writer):
    """`Annotations/`, `JPEGImages/`, masks, and the stems of each split in `ImageSets/`, as Pascal VOC has them."""

    pictures = "JPEGImages"

    def __init__(self, draft: Draft, **options: Any) -> None:
        super().__init__(draft, **options)
        names = {split: split or "trainval" for split in self.splits}
        self._lists = {key: draft.open(f"ImageSets/Main/{name}.txt") for key, name in names.items()}
        self._masked: dict[str, BinaryIO] = {}

    def write(self, item: Item) -> list[Problem]:
        """Write the XML of a picture, and its masks."""
        made = voc.write(item.values, file_name=item.name, width=item.width, height=item.height)
        stem = stem_of(item.name)
        self.draft.write(f"Annotations/{stem}.xml", made.text.encode())
        self._lists[item.split].write(f"{stem}\n".encode())
        return made.problems + (self._write_masks(item, stem, made.masks) if made.masks else [])

    def _write_masks(self, item: Item, stem: str, masks: Mapping[int, Mask]) -> list[Problem]:
        """Write a picture whose pixels are numbers of objects, and one of numbers of classes."""
        self.classes.add_values(item.values)
        size = (item.width, item.height)
        objects = voc_masks.painted(masks, size=size)
        numbers = {key: self.classes.names.index(str(mask.class_name)) + 1 for key, mask in masks.items()}
        table = bytes(min(numbers.get(number, 0), voc_masks.MOST + 1) for number in range(256))
        for folder, pixels in ((voc_masks.OBJECTS, objects), (voc_masks.CLASSES, objects.translate(table))):
            content = voc_masks.png(pixels, width=item.width, height=item.height)
            self.draft.write(f"{folder}/{stem}.png", content)
        if item.split not in self._masked:
            name = item.split or "trainval"
            self._masked[item.split] = self.draft.open(f"ImageSets/Segmentation/{name}.txt")
        self._masked[item.split].write(f"{stem}\n".encode())
        return [lossy(mask, "what other masks cover") for mask in voc_masks.covered(objects, masks)]

    def finish(self) -> None:
        """Write which number is which class."""
        if self._masked:
            self.draft.write("labelmap.txt", voc_masks.label_map(self.classes.names).encode())

    def place(self, item: Item) -> str:
        """Give the path of a picture; those of all splits lie together."""
        return _joined(self.pictures, item.name)


class ImageFolderWriter(Writer):
    """A folder for each class, of each split, with the pictures of that class and nothing else."""

    needs_size = False
    needs_files = True

    def __init__(self, draft: Draft, **options: Any) -> None:
        super().__init__(draft, **options)
        self._names = UniqueNames()
        self._folders: dict[str, str] = {}

    def write(self, item: Item) -> list[Problem]:
        """Say what a folder can't hold; the picture is all that is written."""
        chosen = self._label(item)
        problems = []
        for value in item.values:
            if not isinstance(value, Label):
                problems.append(skipped(value, "folders hold the classes of whole pictures only"))
            elif chosen is None:
                problems.append(skipped(value, "its picture has several classes, or none"))
            elif value.attributes:
                problems.append(lossy(value, "its attributes"))
        if chosen is not None and self._folder(chosen.class_name) != chosen.class_name:
            problems.append(lossy(chosen, f"its class; the folder is {self._folder(chosen.class_name)!r}"))
        return problems

    def _label(self, item: Item) -> Label | None:
        labels = {each.class_name: each for each in item.values if isinstance(each, Label)}
        return next(iter(labels.values())) if len(labels) == 1 and None not in labels else None

    def _folder(self, name: str | None) -> str:
        known = str(name)
        if known not in self._folders:
            self._folders[known] = self._names.give(re.sub(r"[/\\]", "_", known), len(self._folders))
        return self._folders[known]

    def place(self, item: Item) -> str | None:
        """Give the path in the folder of its class."""
        label = self._label(item)
        if label is None:
            return None
        return _joined(self.folder(item.split), self._folder(label.class_name), item.name)

    def folder(self, split: str) -> str:
        """Give the folder of a part."""
        return split


class YoloClassifyWriter(ImageFolderWriter):
    """Folders of classes as ultralytics looks for them: below `train/`, `val/` and `test/`."""

    def folder(self, split: str) -> str:
        """Give the folder of a part; without parts, all pictures are to be trained on."""
        return _PARTS.get(split, split) or "train"


class DmV2Writer(Writer):
    """`json/` with a document of DM schema v2 for each task, beside its `origin_files/`."""

    needs_size = needs_picture = False
    pictures = "origin_files"

    def write(self, item: Item) -> list[Problem]:
        """Write the document, and read it back to see what it does not hold."""
        try:
            document = item.annotations.to_v2()
        except MappingError as error:
            return [
                skipped(each, f"v2 can't hold the annotations of its task: {error}") for each in item.values
            ]
        path = _joined(item.split, "json", f"{stem_of(item.name)}.json")
        self.draft.write(path, readable(document) + b"\n")
        held = {each.id: each for each in Annotations.from_v2(document)}
        return list(_lost(item.values, held))


def _lost(values: Iterable[Annotation], held: Mapping[str, Annotation]) -> Iterator[Problem]:
    for value in values:
        other = held.get(value.id)
        if other is None:
            yield skipped(value, "v2 has no place for it; jsonl holds it")
        elif attrs.evolve(other, media=value.media) != value:
            yield lossy(value, "a part of it, which v2 has no place for; jsonl holds it")


class JsonlWriter(Writer):
    """`annotations.jsonl` of each split: a line for each task, with its annotations as the backend holds them."""

    needs_size = needs_picture = False
    takes_any_data = True
    pictures = "files"

    def __init__(self, draft: Draft, **options: Any) -> None:
        super().__init__(draft, **options)
        self._lines = {split: draft.open(_joined(split, "annotations.jsonl")) for split in self.splits}

    def write(self, item: Item) -> list[Problem]:
        """Write the line."""
        names = ("project_id", "data_unit_id")
        keys = {name: getattr(item.row, name) for name in names if hasattr(type(item.row), name)}
        line = {"id": item.key, **keys, "file_name": item.name, "data": item.row.data}
        self._lines[item.split].write(readable(line) + b"\n")
        return []


def writer_of(format: str, kind: yolo.Kind) -> type[Writer]:
    """Give the writer of a format; that of YOLO depends on its kind."""
    return YoloClassifyWriter if (format, kind) == ("yolo", "classify") else WRITERS[format]


WRITERS: Final[Mapping[str, type[Writer]]] = {
    "coco": CocoWriter,
    "yolo": YoloWriter,
    "voc": VocWriter,
    "imagefolder": ImageFolderWriter,
    "dm_v2": DmV2Writer,
    "jsonl": JsonlWriter,
}
