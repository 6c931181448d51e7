"""The annotations of a task, an assignment or a ground truth, in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar, overload

import attrs

from synapse.annotations import v1, v2
from synapse.annotations.labels import Label, Relation, Section
from synapse.annotations.remainder import Remainder
from synapse.annotations.shapes import Box, Cuboid, Mask, Point, Polygon, Polyline
from synapse.annotations.values import Annotation, Json
from synapse.errors import MappingError, describe
from synapse.showing import few
from synapse.values import is_many

A = TypeVar("A", bound=Annotation)


def _annotations(values: Iterable[Annotation]) -> tuple[Annotation, ...]:
    if not is_many(values):
        raise MappingError(f"Annotations(...) takes annotations such as Box(...), got {describe(values)}")
    taken = tuple(values)
    for value in taken:
        if not isinstance(value, Annotation):
            raise MappingError(f"Annotations(...) takes annotations such as Box(...), got {describe(value)}")
    return taken


@attrs.frozen(repr=False)
class Annotations(Sequence[Annotation]):
    """Annotations in order, and the rest of their document: groups, relations, and data that the SDK doesn't know.

    >>> found = Annotations([Box("stop", x=1, y=2, width=3, height=4), Label("night")])
    >>> len(found), found.boxes[0].width, found.of(Label)[0].class_name
    (2, 3, 'night')
    """

    _values: tuple[Annotation, ...] = attrs.field(default=(), converter=_annotations)
    _remainder: Remainder | None = attrs.field(default=None, kw_only=True, eq=False, alias="_remainder")

    @classmethod
    def from_v1(cls, document: Json) -> Annotations:
        """Read a document of DM schema v1, such as `task.data`; raises `MappingError` for anything else."""
        values, remainder = v1.read(document)
        return cls(values, _remainder=remainder)

    @classmethod
    def _from_own_v1(cls, document: Json) -> Annotations:
        """Read a document that nobody edits any more, without a copy of it."""
        values, remainder = v1.read(document, owned=True)
        return cls(values, _remainder=remainder)

    @classmethod
    def from_v2(cls, document: Json) -> Annotations:
        """Read a document of DM schema v2, the format of exports; raises `MappingError` for anything else."""
        values, remainder = v2.read(document)
        return cls(values, _remainder=remainder)

    def to_v1(self) -> Json:
        """Write a document of DM schema v1; every annotation must name its medium."""
        return v1.write(self._values, self._remainder)

    def to_v2(self) -> Json:
        """Write a document of DM schema v2, which cannot hold everything: see "What v2 loses" in the docs."""
        return v2.write(self._values, self._remainder)

    def replace(self, values: Iterable[Annotation]) -> Annotations:
        """Give the same document with other annotations."""
        return attrs.evolve(self, values=values)

    def of(self, kind: type[A]) -> tuple[A, ...]:
        """Give the annotations of one class, in order."""
        return tuple(value for value in self._values if isinstance(value, kind))

    @property
    def by_media(self) -> dict[str | None, tuple[Annotation, ...]]:
        """The annotations of each medium, such as `image_1`."""
        media = dict.fromkeys(value.media for value in self._values)
        return {name: tuple(value for value in self._values if value.media == name) for name in media}

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The boxes on pictures."""
        return self.of(Box)

    @property
    def polygons(self) -> tuple[Polygon, ...]:
        """The closed outlines."""
        return self.of(Polygon)

    @property
    def polylines(self) -> tuple[Polyline, ...]:
        """The open lines."""
        return self.of(Polyline)

    @property
    def points(self) -> tuple[Point, ...]:
        """The points on pictures."""
        return self.of(Point)

    @property
    def masks(self) -> tuple[Mask, ...]:
        """The masks of pictures."""
        return self.of(Mask)

    @property
    def cuboids(self) -> tuple[Cuboid, ...]:
        """The boxes in point clouds."""
        return self.of(Cuboid)

    @property
    def labels(self) -> tuple[Label, ...]:
        """The classes of whole files."""
        return self.of(Label)

    @property
    def sections(self) -> tuple[Section, ...]:
        """The stretches of videos and recordings."""
        return self.of(Section)

    @property
    def relations(self) -> tuple[Relation, ...]:
        """The links between annotations."""
        return self.of(Relation)

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Annotation]:
        return iter(self._values)

    @overload
    def __getitem__(self, index: int) -> Annotation: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Annotation, ...]: ...
    def __getitem__(self, index: Any) -> Any:
        return self._values[index]

    def __add__(self, others: Iterable[Annotation]) -> Annotations:
        return self.replace([*self._values, *_annotations(others)])

    def __repr__(self) -> str:
        return f"Annotations([{few(self._values, count=len(self._values))}])"
