"""YOLO: one line of text for each object, relative to the size of its picture, in four kinds."""

from __future__ import annotations

import math

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import attrs

from synapse.annotations import Annotation, Box, Label, Mask, Point, Polygon
from synapse.annotations.bounds import OutsideError, corners_of, fit
from synapse.annotations.shapes import VISIBILITIES
from synapse.annotations.values import Pair
from synapse.errors import MappingError, QueryError, describe, did_you_mean
from synapse.interop.formats.geometry import around, bounds_of, mask_fault, outlines_of
from synapse.interop.formats.problems import Problem, failed, lossy, skipped

Kind: TypeAlias = Literal["detect", "segment", "pose", "obb", "classify"]
KINDS: Final[tuple[Kind, ...]] = ("detect", "segment", "pose", "obb", "classify")
_HOLDS: Final[Mapping[str, tuple[type[Annotation], ...]]] = {
    "detect": (Box,),
    "segment": (Polygon, Mask),
    "pose": (Point,),
    "obb": (Box,),
    "classify": (Label,),
}


def check_kind(kind: Kind, format: str = "yolo") -> Kind:
    """Take the name of a kind; `QueryError` where there is none of it, or for another format."""
    if format != "yolo" and kind != "detect":
        raise QueryError(f"kind={kind!r} is a kind of YOLO, and the format is {format!r}. Nothing was sent")
    if kind not in KINDS:
        raise QueryError(
            f"YOLO has no kind {describe(kind)}{did_you_mean(str(kind), KINDS)}: {', '.join(KINDS)}"
        )
    return kind


@attrs.frozen(kw_only=True)
class DataSet:
    """What the lines of a data set mean: its kind, its classes from 0, and for `pose` the points of an object."""

    kind: Kind
    classes: tuple[str, ...]
    points: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        check_kind(self.kind)

    def problem(self, value: Annotation) -> str:
        """Say why an annotation has no line; empty where it has one."""
        if not isinstance(value, _HOLDS[self.kind]):
            others = [kind for kind in KINDS if isinstance(value, _HOLDS[kind])]
            instead = f"kind={others[0]!r} holds it" if others else "dm_v2 and jsonl hold it"
            return f"YOLO's {self.kind} has no {type(value).__name__}; {instead}"
        names = self.points if self.kind == "pose" else self.classes
        return "" if value.class_name in names else f"its class {value.class_name!r} is none of the data set"


def write(
    values: Iterable[Annotation], *, dataset: DataSet, width: int, height: int
) -> tuple[list[str], list[Problem]]:
    """Write the lines of one picture, whose size is in pixels."""
    problems: list[Problem] = []
    taken: list[Annotation] = []
    for value in values:
        if fault := dataset.problem(value):
            problems.append(skipped(value, fault))
            continue
        if isinstance(value, Mask) and (fault := mask_fault(value, width=width, height=height)):
            problems.append(skipped(value, fault))
            continue
        try:
            inside = fit(value, width=width, height=height, outside="clip")
        except OutsideError as error:
            problems.append(skipped(value, f"it {error}"))
            continue
        problems += [lossy(value, "what lies outside its picture")] if inside is not value else []
        problems += [lossy(value, "its attributes")] if value.attributes else []
        if isinstance(inside, Mask):
            inside = attrs.evolve(inside, width=width, height=height)
        taken.append(inside)
    lines = _poses(taken, dataset, problems) if dataset.kind == "pose" else _shapes(taken, dataset, problems)
    sizes = (width, height)
    return [" ".join([str(head), *_numbers(places, sizes)]) for head, places in lines], problems


Line: TypeAlias = tuple[int, list[Any]]
"""A class, and places: (x, y) in pixels, or a bare number that is written as it is."""


def _numbers(places: Iterable[Any], sizes: tuple[int, int]) -> Iterator[str]:
    for place in places:
        if isinstance(place, int):
            yield str(place)
        else:
            yield from (f"{min(max(each / size, 0), 1):.6f}" for each, size in zip(place, sizes, strict=True))


def _centred(bounds: tuple[float, float, float, float]) -> list[Pair]:
    x, y, width, height = bounds
    return [(x + width / 2, y + height / 2), (width, height)]


def _shapes(values: Iterable[Annotation], dataset: DataSet, problems: list[Problem]) -> Iterator[Line]:
    # A whole list, since problems are complete only when every line is made.
    found: list[Line] = []
    for value in values:
        head = dataset.classes.index(str(value.class_name))
        if isinstance(value, Box) and dataset.kind == "detect":
            problems += [lossy(value, "its rotation; kind='obb' holds it")] if value.rotation else []
            found.append((head, _centred(bounds_of(value) or (0, 0, 0, 0))))
        elif isinstance(value, Mask):
            outlines, holes = outlines_of(value)
            problems += [lossy(value, f"its {holes} holes")] if holes else []
            problems += [lossy(value, f"that its {len(outlines)} parts are one")] if len(outlines) > 1 else []
            found += [(head, list(outline)) for outline in outlines]
        else:
            found.append((head, list(corners_of(value))))
    return iter(found)


def _poses(values: Iterable[Annotation], dataset: DataSet, problems: list[Problem]) -> Iterator[Line]:
    groups: dict[str, dict[str, Point]] = {}
    for value in values:
        if isinstance(value, Point):
            places = groups.setdefault(value.group or value.id, {})
            if str(value.class_name) in places:
                problems.append(skipped(value, f"its group has another {value.class_name!r}"))
            places.setdefault(str(value.class_name), value)
    found: list[Line] = []
    for places in groups.values():
        seen = [(point.x, point.y) for point in places.values() if point.visibility != "missing"]
        line: list[Any] = _centred(around(seen) or (0, 0, 0, 0))
        for name in dataset.points:
            point = places.get(name)
            if point is None or point.visibility == "missing":
                line += [(0, 0), 0]
            else:
                line += [(point.x, point.y), VISIBILITIES.index(point.visibility or "visible")]
        found.append((0, line))
    return iter(found)


def read(
    lines: Iterable[str], *, dataset: DataSet, width: int, height: int
) -> tuple[tuple[Annotation, ...], list[Problem]]:
    """Read the lines of one picture, whose size is in pixels; a line that can't be read is a problem, by its number."""
    found: list[Annotation] = []
    problems = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            found += _read_line(line.split(), dataset, sizes=(width, height), group=f"object {number}")
        except (ValueError, MappingError) as error:
            problems.append(failed(f"line {number}", str(error)))
    return tuple(found), problems


def _read_line(words: list[str], dataset: DataSet, *, sizes: tuple[int, int], group: str) -> list[Annotation]:
    head, numbers = int(words[0]), [float(word) for word in words[1:]]
    if not 0 <= head < len(dataset.classes) or not dataset.classes[head]:
        raise ValueError(f"there is no class {head}: the data set has {sum(map(bool, dataset.classes))}")
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is not finite")
    return _READ[dataset.kind](dataset.classes[head], numbers, dataset=dataset, sizes=sizes, group=group)


def _pairs(numbers: Sequence[float], sizes: tuple[int, int]) -> list[Pair]:
    return [(x * sizes[0], y * sizes[1]) for x, y in zip(numbers[::2], numbers[1::2], strict=True)]


def _box(name: str, numbers: list[float], *, sizes: tuple[int, int], **_: Any) -> list[Annotation]:
    if len(numbers) != 4:
        raise ValueError(f"a box of {len(numbers)} numbers, not of four")
    (x, y), (width, height) = _pairs(numbers, sizes)
    return [Box(name, x=x - width / 2, y=y - height / 2, width=width, height=height)]


def _polygon(name: str, numbers: list[float], *, sizes: tuple[int, int], **_: Any) -> list[Annotation]:
    if len(numbers) < 6 or len(numbers) % 2:
        raise ValueError(f"a polygon of {len(numbers)} numbers, not of three points or more")
    return [Polygon(name, points=_pairs(numbers, sizes))]


def _rotated(name: str, numbers: list[float], *, sizes: tuple[int, int], **_: Any) -> list[Annotation]:
    if len(numbers) != 8:
        raise ValueError(f"a rotated box of {len(numbers)} numbers, not of four corners")
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = _pairs(numbers, sizes)
    width = (math.dist((ax, ay), (bx, by)) + math.dist((dx, dy), (cx, cy))) / 2
    height = (math.dist((bx, by), (cx, cy)) + math.dist((ax, ay), (dx, dy))) / 2
    middle = (ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4
    angle = math.atan2(by - ay, bx - ax)
    rotation = angle if abs(angle) > 1e-4 else None
    return [
        Box(
            name,
            x=middle[0] - width / 2,
            y=middle[1] - height / 2,
            width=width,
            height=height,
            rotation=rotation,
        )
    ]


def _pose(
    _: str, numbers: list[float], *, dataset: DataSet, sizes: tuple[int, int], group: str
) -> list[Annotation]:
    rest = numbers[4:]
    many = len(dataset.points)
    step = len(rest) // many if many else 0
    if step not in (2, 3) or len(rest) != step * many:
        raise ValueError(f"an object of {len(rest)} numbers, not of {many} points of two or three")
    found = []
    for index, name in enumerate(dataset.points):
        x, y, *seen = rest[index * step : (index + 1) * step]
        if seen != [0]:
            visibility = VISIBILITIES[int(seen[0])] if seen and seen[0] in (1, 2) else None
            found.append(Point(name, x=x * sizes[0], y=y * sizes[1], visibility=visibility, group=group))
    return list(found)


_READ: Final[Mapping[str, Callable[..., list[Annotation]]]] = {
    "detect": _box,
    "segment": _polygon,
    "pose": _pose,
    "obb": _rotated,
}
