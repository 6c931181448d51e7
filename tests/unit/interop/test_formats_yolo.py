"""YOLO in its four kinds: what is written comes back within its six digits, and what isn't is told."""

from __future__ import annotations

import math

from typing import Any

import pytest

from hypothesis import given

from synapse.annotations import Annotation, Box, Label, Mask, Point, Polygon
from synapse.errors import QueryError
from synapse.interop.formats import yolo
from synapse.interop.formats.geometry import area_of, outlines_of
from synapse.interop.formats.problems import Problem
from tests.unit.interop.shapes import CLASSES, HEIGHT, POLYGONS, WIDTH, boxes, masks, near

POINTS = ("nose", "tail")


def dataset(kind: Any) -> yolo.DataSet:
    """Describe a data set of one kind."""
    return yolo.DataSet(kind=kind, classes=CLASSES, points=POINTS)


def written(
    kind: str, *values: Annotation, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> tuple[list[str], list[Problem]]:
    """Write one picture."""
    return yolo.write(values, dataset=dataset(kind), width=size[0], height=size[1])


def back(kind: str, *values: Annotation) -> list[Annotation]:
    """Write one picture, and read that."""
    lines, problems = written(kind, *values)
    found, unread = yolo.read(lines, dataset=dataset(kind), width=WIDTH, height=HEIGHT)
    assert ([], []) == (problems, unread)
    return list(found)


class TestRoundTrip:
    @given(boxes())
    def test_boxes_come_back_from_detect(self, box: Box) -> None:
        """A line is the class, the middle and the size."""
        assert near(box, back("detect", box)[0])

    @given(POLYGONS)
    def test_polygons_come_back_from_segment(self, polygon: Polygon) -> None:
        """A line is the class and the points."""
        assert near(polygon, back("segment", polygon)[0])

    @pytest.mark.parametrize("rotation", [None, 0.5, -1.2])
    def test_boxes_come_back_from_obb(self, rotation: float | None) -> None:
        """A line is the class and four corners; a rotation survives."""
        box = Box("stop", x=20, y=18, width=16, height=8, rotation=rotation)

        assert near(box, back("obb", box)[0])

    def test_points_come_back_from_pose(self) -> None:
        """A line is the box around the points, and each point with its visibility."""
        points = [
            Point("nose", x=8, y=6, visibility="occluded", group="g"),
            Point("tail", x=16, y=12, group="g"),
        ]
        found = back("pose", *points)

        assert [("nose", 8, 6, "occluded"), ("tail", 16, 12, "visible")] == [
            (each.class_name, each.x, each.y, each.visibility) for each in found if isinstance(each, Point)
        ]


class TestWrite:
    def test_numbers_are_relative(self) -> None:
        """The middle and the size of a box, in parts of the picture."""
        assert ["1 0.500000 0.500000 0.250000 0.500000"] == written(
            "detect", Box("yield sign", x=24, y=12, width=16, height=24)
        )[0]

    @pytest.mark.parametrize(
        ("kind", "value", "outcome", "words"),
        [
            (
                "detect",
                Box("stop", x=9, y=9, width=3, height=4, rotation=0.5),
                "lossy",
                "kind='obb' holds it",
            ),
            (
                "detect",
                Box("stop", x=9, y=9, width=3, height=4, attributes={"a": 1}),
                "lossy",
                "its attributes",
            ),
            ("detect", Box("stop", x=-1, y=9, width=3, height=4), "lossy", "what lies outside its picture"),
            ("detect", Box("stop", x=-9, y=9, width=3, height=4), "skipped", "nothing is left to clip"),
            (
                "detect",
                Box("other", x=9, y=9, width=3, height=4),
                "skipped",
                "'other' is none of the data set",
            ),
            (
                "detect",
                Polygon("stop", points=[(0, 0), (1, 0), (1, 1)]),
                "skipped",
                "kind='segment' holds it",
            ),
            ("segment", Box("stop", x=9, y=9, width=3, height=4), "skipped", "kind='detect' holds it"),
            ("pose", Point("ear", x=1, y=2), "skipped", "'ear' is none of the data set"),
            ("pose", Point("nose", x=-5, y=2), "skipped", "only polygons and boxes"),
            ("obb", Label("stop"), "skipped", "kind='classify' holds it"),
        ],
    )
    def test_what_is_lost_is_told(self, kind: str, value: Annotation, outcome: str, words: str) -> None:
        """Each problem has its annotation and the reason."""
        [problem] = written(kind, value)[1]

        assert (outcome, value) == (problem.outcome, problem.annotation)
        assert words in problem.reason

    def test_the_second_point_of_one_name_is_told(self) -> None:
        """A group has one nose."""
        lines, problems = written("pose", *(Point("nose", x=x, y=2, group="g") for x in (1, 2)))

        assert (1, ["its group has another 'nose'"]) == (len(lines), [each.reason for each in problems])

    def test_a_mask_is_its_outlines(self) -> None:
        """Each part has a line of its own, and holes are lost."""
        ring = Mask.from_rows("stop", [[1, 1, 1, 0, 1], [1, 0, 1, 0, 0], [1, 1, 1, 0, 0]])
        lines, problems = written("segment", ring, size=(5, 3))

        assert ["its 1 holes", "that its 2 parts are one"] == [each.reason for each in problems]
        assert 2 == len(lines)


@given(masks())
def test_outlines_cover_what_their_mask_does(mask: Mask) -> None:
    """The areas of the outlines are the pixels, and those of the holes."""
    outlines, holes = outlines_of(mask)
    covered = sum(area_of(outline) for outline in outlines)

    assert covered >= mask.area
    assert (covered == mask.area) == (holes == 0)


class TestRead:
    @pytest.mark.parametrize(
        ("kind", "line", "words"),
        [
            ("detect", "7 0 0 1 1", "there is no class 7: the data set has 3"),
            ("detect", "-1 0 0 1 1", "there is no class -1"),
            ("detect", "x 0 0 1 1", "invalid literal"),
            ("detect", "0 0 0 1", "a box of 3 numbers, not of four"),
            ("detect", "0 0 0 1 nan", "a number that is not finite"),
            ("segment", "0 0 0 1 1", "a polygon of 4 numbers"),
            ("segment", "0 0 0 1 1 1 0 1", "a polygon of 7 numbers"),
            ("obb", "0 0 0 1 1", "a rotated box of 4 numbers"),
            ("pose", "0 0 0 1 1 1", "an object of 1 numbers, not of 2 points"),
        ],
    )
    def test_a_broken_line_is_told_by_its_number(self, kind: str, line: str, words: str) -> None:
        """One bad line hides no other, and empty lines are none."""
        _, problems = yolo.read(["", line], dataset=dataset(kind), width=WIDTH, height=HEIGHT)

        assert ["line 2"] == [problem.path for problem in problems]
        assert words in problems[0].reason

    def test_points_without_visibility_are_read(self) -> None:
        """A data set may have two numbers for each point."""
        found, _ = yolo.read(
            ["0 0 0 1 1 0.5 0.5 0.25 0.25"], dataset=dataset("pose"), width=WIDTH, height=HEIGHT
        )

        assert [(32, 24, None), (16, 12, None)] == [(each.x, each.y, each.visibility) for each in found]  # type: ignore[attr-defined]


def test_an_unknown_kind_is_refused() -> None:
    """The nearest kind is named."""
    with pytest.raises(QueryError, match=r"YOLO has no kind str 'detct' \(did you mean 'detect'\?\)"):
        dataset("detct")


def test_a_turned_box_lies_where_it_did() -> None:
    """A box that is turned by a right angle is as wide as it was high."""
    lines, _ = written("detect", Box("stop", x=24, y=16, width=16, height=8, rotation=math.pi / 2))

    assert ["0 0.500000 0.416667 0.125000 0.333333"] == lines
