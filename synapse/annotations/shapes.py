"""What is drawn on pictures and in point clouds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any, ClassVar, Final, Literal, TypeAlias

import attrs

from synapse.annotations.values import (
    NUMBER,
    TEXT,
    Annotation,
    Pair,
    Takes,
    misfit,
    number,
    number_or_none,
    number_tuples,
    numbers,
)
from synapse.values import is_many, plain

Visibility: TypeAlias = Literal["missing", "occluded", "visible"]
VISIBILITIES: Final[tuple[Visibility, ...]] = ("missing", "occluded", "visible")
_VISIBILITY: Final = Takes(f"one of {', '.join(VISIBILITIES)}", VISIBILITIES.__contains__).or_none()


def _pairs(values: Iterable[Iterable[float]]) -> tuple[Pair, ...]:
    pairs: tuple[Pair, ...] = number_tuples(values)
    return pairs


_POINTS: Final = Takes("(x, y)", numbers(2)).each()


@attrs.frozen(repr=False, kw_only=True)
class Box(Annotation):
    """A box on a picture, in pixels from the upper left corner; `rotation` is in radians.

    >>> Box("stop", x=18, y=18, width=60, height=60, id="Qm3Zt81xYk")
    Box('stop', x=18, y=18, width=60, height=60, id='Qm3Zt81xYk')
    """

    TOOL: ClassVar[str] = "bounding_box"

    x: float = attrs.field(converter=number, validator=NUMBER)
    y: float = attrs.field(converter=number, validator=NUMBER)
    width: float = attrs.field(converter=number, validator=NUMBER)
    height: float = attrs.field(converter=number, validator=NUMBER)
    rotation: float | None = attrs.field(default=None, converter=number_or_none, validator=NUMBER.or_none())


@attrs.frozen(repr=False, kw_only=True)
class Polygon(Annotation):
    """A closed outline on a picture: `points` are (x, y) in pixels, the last one joins the first."""

    TOOL: ClassVar[str] = "polygon"

    points: tuple[Pair, ...] = attrs.field(converter=_pairs, validator=_POINTS)


@attrs.frozen(repr=False, kw_only=True)
class Polyline(Annotation):
    """An open line on a picture: `points` are (x, y) in pixels."""

    TOOL: ClassVar[str] = "polyline"

    points: tuple[Pair, ...] = attrs.field(converter=_pairs, validator=_POINTS)


@attrs.frozen(repr=False, kw_only=True)
class Point(Annotation):
    """A point on a picture, in pixels; points of one `group` belong to one object, such as the joints of a person."""

    TOOL: ClassVar[str] = "keypoint"
    NO_GEOMETRY: ClassVar[frozenset[str]] = frozenset({"visibility", "group"})

    x: float = attrs.field(converter=number, validator=NUMBER)
    y: float = attrs.field(converter=number, validator=NUMBER)
    visibility: Visibility | None = attrs.field(default=None, validator=_VISIBILITY)
    group: str | None = attrs.field(default=None, validator=TEXT.or_none())


Run: TypeAlias = tuple[int, int]


def _runs(values: Iterable[Iterable[int]]) -> tuple[Run, ...]:
    runs: tuple[Run, ...] = number_tuples(values)
    return runs


def _is_ordered(runs: object) -> bool:
    if not isinstance(runs, tuple):
        return False
    end = 0
    for run in runs:
        whole = isinstance(run, tuple) and len(run) == 2 and all(type(each) is int for each in run)
        if not whole or run[0] < end or run[1] < 1:
            return False
        end = sum(run)
    return True


_RUNS: Final = Takes("(start, length) pairs of whole numbers, in order and apart", _is_ordered)
_PIXELS: Final = Takes("a number of pixels", lambda value: type(value) is int and value > 0).or_none()


@attrs.frozen(repr=False, kw_only=True)
class Mask(Annotation):
    """The pixels of a picture that belong to something, as `runs` of (start, length).

    Pixels are counted row by row from the upper left corner, from 0. `width` and `height` are those of the picture,
    where they are known.

    >>> Mask.from_rows("road", [[0, 1, 1], [1, 0, 0]]).runs
    ((1, 3),)
    """

    TOOL: ClassVar[str] = "segmentation"
    NO_GEOMETRY: ClassVar[frozenset[str]] = frozenset({"width", "height"})

    runs: tuple[Run, ...] = attrs.field(converter=_runs, validator=_RUNS)
    width: int | None = attrs.field(default=None, converter=plain, validator=_PIXELS, eq=False)
    height: int | None = attrs.field(default=None, converter=plain, validator=_PIXELS, eq=False)

    @classmethod
    def from_rows(cls, class_name: str | None, rows: Iterable[Iterable[object]], **fields: Any) -> Mask:
        """Make a mask from the rows of a picture, as lists or an array; it covers the pixels whose value is true."""
        try:
            lines = [list(map(bool, row)) for row in rows]
        except (TypeError, ValueError):  # no rows, or pixels of several values
            lines = []
        width = len(lines[0]) if lines else 0
        if not width or any(len(line) != width for line in lines):
            raise misfit(cls(runs=()), "rows", wanted="rows of one length, with a pixel at least", value=rows)
        pixels = (index for index, covered in enumerate(_flat(lines)) if covered)
        return cls(class_name, runs=runs_of(pixels), width=width, height=len(lines), **fields)

    def to_rows(self) -> list[list[bool]]:
        """Give the rows of the picture, True where the mask covers a pixel; this needs `width` and `height`."""
        if self.width is None or self.height is None:
            raise misfit(self, "width", wanted="the size of its picture before to_rows()", value=None)
        covered = bytearray(self.width * self.height)
        for start, length in self.runs:
            covered[start : start + length] = b"\1" * length
        starts = range(0, self.width * self.height, self.width)
        return [list(map(bool, covered[start : start + self.width])) for start in starts]

    @property
    def area(self) -> int:
        """The number of pixels that it covers."""
        return sum(length for _, length in self.runs)


def _flat(lines: list[list[bool]]) -> Iterator[bool]:
    return (value for line in lines for value in line)


def runs_of(pixels: Iterable[int]) -> tuple[Run, ...]:
    """Join pixel indices in ascending order to runs of (start, length).

    >>> runs_of([3, 4, 5, 9])
    ((3, 3), (9, 1))
    """
    found = []
    for _, together in groupby(enumerate(pixels), key=lambda pair: pair[1] - pair[0]):
        indices = [index for _, index in together]
        found.append((indices[0], len(indices)))
    return tuple(found)


Triple: TypeAlias = tuple[float, float, float]
Rotation: TypeAlias = Triple | tuple[float, float, float, float]


def _numbers(values: Any) -> Any:
    return tuple(map(plain, values)) if is_many(values) else values


@attrs.frozen(repr=False, kw_only=True)
class Cuboid(Annotation):
    """A box in a point cloud: its centre and its lengths along x, y and z, in the cloud's own unit (metres, mostly).

    `rotation` is a quaternion (w, x, y, z), or Euler angles (x, y, z) in radians.
    """

    TOOL: ClassVar[str] = "3d_bounding_box"

    position: Triple = attrs.field(converter=_numbers, validator=Takes("(x, y, z)", numbers(3)))
    scale: Triple = attrs.field(converter=_numbers, validator=Takes("lengths along x, y and z", numbers(3)))
    rotation: Rotation = attrs.field(
        default=(0, 0, 0), converter=_numbers, validator=Takes("(x, y, z) or (w, x, y, z)", numbers(3, 4))
    )


_INDEX: Final = Takes("indices of points, from 0", lambda value: type(value) is int and value >= 0)


@attrs.frozen(repr=False, kw_only=True)
class PointCloudMask(Annotation):
    """The points of a point cloud that belong to something, as their indices in the file, from 0."""

    TOOL: ClassVar[str] = "3d_segmentation"

    points: tuple[int, ...] = attrs.field(converter=_numbers, validator=_INDEX.each())
