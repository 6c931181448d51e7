"""Pascal VOC: boxes come back, and what doesn't is told."""

from __future__ import annotations

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.annotations import Annotation, Box, Point, Polygon
from synapse.errors import MappingError
from synapse.interop.formats import voc
from tests.unit.interop.shapes import HEIGHT, WIDTH, boxes


def written(*values: Annotation) -> voc.Read:
    """Write one picture, and read that, with the problems of both."""
    made = voc.write(values, file_name="a & b.png", width=WIDTH, height=HEIGHT)
    found = voc.read(made.text)
    return voc.Read(
        file_name=found.file_name,
        width=found.width,
        height=found.height,
        annotations=found.annotations,
        problems=(*made.problems, *found.problems),
    )


@given(st.lists(boxes(), max_size=3))
def test_boxes_come_back(values: list[Box]) -> None:
    """They are the same values, and the picture is told with its size."""
    found = written(*values)

    assert (tuple(values), ()) == (found.annotations, found.problems)
    assert ("a & b.png", WIDTH, HEIGHT) == (found.file_name, found.width, found.height)


@pytest.mark.parametrize(
    ("value", "outcome", "words"),
    [
        (Box("stop", x=9.4, y=9, width=3, height=4), "lossy", "parts of pixels"),
        (Box("stop", x=-9, y=9, width=30, height=4), "lossy", "what lies outside its picture"),
        (Box("stop", x=9, y=9, width=3, height=4, rotation=0.5), "lossy", "its rotation"),
        (Box("stop", x=9, y=9, width=3, height=4, attributes={"a": 1}), "lossy", "its attributes"),
        (Polygon("stop", points=[(0, 0), (4, 0), (4, 4)]), "lossy", "the shape of the Polygon"),
        (Box("stop", x=90, y=9, width=3, height=4), "skipped", "it covers no whole pixel of its picture"),
        (Box("stop", x=9, y=9, width=0.2, height=4), "skipped", "it covers no whole pixel"),
        (Box(None, x=9, y=9, width=3, height=4), "skipped", "it has no class"),
        (Box("a\x01b", x=9, y=9, width=3, height=4), "skipped", "XML can't hold the characters of its class"),
        (Point("stop", x=1, y=2), "skipped", "VOC has no Point; dm_v2 and jsonl hold it"),
    ],
)
def test_what_is_lost_is_told(value: Annotation, outcome: str, words: str) -> None:
    """Each problem has its annotation and the reason."""
    [problem] = written(value).problems

    assert (outcome, value) == (problem.outcome, problem.annotation)
    assert words in problem.reason


BOX = "<name>a</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>{}</xmax><ymax>9.5</ymax></bndbox>"


class TestRead:
    def test_takes_parts_of_pixels(self) -> None:
        """Other programs write them."""
        [box] = voc.read(f"<annotation><object>{BOX.format(7)}</object></annotation>").annotations

        assert Box("a", x=1, y=2, width=6, height=7.5) == box

    @pytest.mark.parametrize(
        ("inside", "words"),
        [
            (BOX.format("x"), "could not convert"),
            (BOX.format(1), "its box ends before it begins"),
            (BOX.format("nan"), "takes a finite number"),
            ("<name>a</name>", "bndbox/xmin is missing"),
            (BOX.format(7).replace("<name>a</name>", ""), "it has no name"),
            (BOX.format(7).replace("a</name>", " </name>"), "it has no name"),
        ],
    )
    def test_a_broken_object_is_told_by_its_place(self, inside: str, words: str) -> None:
        """One bad object hides no other."""
        text = f"<annotation><object>{BOX.format(7)}</object><object>{inside}</object></annotation>"
        found = voc.read(text)

        assert (1, ["object[1]"]) == (len(found.annotations), [problem.path for problem in found.problems])
        assert words in found.problems[0].reason

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", "this is no XML"),
            ("<annotation>", "this is no XML"),
            ("<a/>", "whose root is <annotation>: <a>"),
            ('<!DOCTYPE a [<!ENTITY b "b">]><annotation/>', "declares entities"),
        ],
    )
    def test_what_is_no_voc_is_refused(self, text: str, words: str) -> None:
        """The error says what it is instead."""
        with pytest.raises(MappingError) as caught:
            voc.read(text)

        assert words in str(caught.value)

    def test_a_size_that_is_not_told_is_none(self) -> None:
        """A picture's size is never guessed."""
        found = voc.read("<annotation><size><width>0</width></size></annotation>")

        assert (None, None, None) == (found.file_name, found.width, found.height)

    def test_flags_are_told_as_lost(self) -> None:
        """A box has no place for them, and names are taken without the space around them."""
        inside = BOX.format(7).replace(
            "a</name>", " a\n</name><difficult>1</difficult><truncated>0</truncated>"
        )
        found = voc.read(f"<annotation><object>{inside}</object></annotation>")

        assert ["a"] == [box.class_name for box in found.annotations]
        assert [("object[0]", "that it is difficult")] == [
            (each.path, each.reason) for each in found.problems
        ]
