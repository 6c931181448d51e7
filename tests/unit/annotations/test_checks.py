"""What is refused before anything is sent, and what is sent as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from synapse.annotations import (
    Annotation,
    Annotations,
    Box,
    Cuboid,
    Label,
    Mask,
    Medium,
    OtherAnnotation,
    Point,
    PointCloudMask,
    Polygon,
    Polyline,
    Relation,
    Section,
    TimeRange,
    check,
    tools_of,
)
from synapse.errors import QueryError
from tests.unit.annotations.test_schema import configuration

ATTRIBUTES = [{"code": "color", "options": ["red", "blue"]}, {"code": "note"}]
TOOLS = tools_of(
    configuration(
        bounding_box=[{"code": "stop", "name": "Stop sign", "attributes": ATTRIBUTES}, {"code": "yield"}],
        classification=[{"code": "night"}],
        relation=[],
    )
)
PICTURE = Medium("image_1", is_primary=True, width=100, height=80)
SIDE = Medium("data_meta_1")


def box(name: str | None = "stop", **fields: Any) -> Box:
    """Make a box inside the picture."""
    return Box(name, **{"x": 1, "y": 2, "width": 3, "height": 4, **fields})


def sent(
    *values: Annotation, media: Sequence[Medium] = (PICTURE, SIDE), tools: Any = TOOLS, **options: Any
) -> Any:
    """Check annotations against the project and the unit."""
    return check(values, tools=tools, media=media, **options)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (box(media="image_2"), "lies in 'image_2', which the unit doesn't have (did you mean 'image_1'?)"),
        (box(media="x"), "Files: image_1, data_meta_1"),
        (box(media="data_meta_1"), "belongs to image or video, and data_meta_1 is data"),
        (
            box("stpo"),
            "Box 'stpo' has a class that bounding_box does not have (did you mean 'stop'?). Classes: stop, yield",
        ),
        (box("Stop sign"), "('Stop sign' is how people see 'stop')"),
        (box("night"), "has a class that bounding_box does not have; classification has it"),
        (
            Polygon("stop", points=[(0, 0), (1, 0), (1, 1)]),
            "is drawn by polygon, which the project doesn't have. Tools:",
        ),
        (
            box(attributes={"colour": "red"}),
            "the attribute 'colour', which its class doesn't (did you mean 'color'?)",
        ),
        (box(attributes={"color": "rde"}), "color='rde' (did you mean 'red'?). Options: red, blue"),
        (box(attributes={"color": ["red", 3]}), "color=3. Options: red, blue"),
        (box(id="a b"), "has the id 'a b'; ids are letters, digits, - and _"),
        (box(id=""), "has the id ''"),
        (box(width=0), "is 0 wide and 4 high; both must be above 0"),
        (box(height=-1), "is 3 wide and -1 high"),
        (box(x=98), "lies outside its picture of 100 × 80 pixels; outside='clip' cuts it off"),
        (Label(attributes={}), "says nothing"),
        (
            Relation(source="a", target="b"),
            "1 of 2 annotations can't be sent; nothing was sent:\n[1] Relation links to 'a' and 'b', the id of none",
        ),
    ],
)
def test_what_cannot_be_right_is_refused(value: Annotation, words: str) -> None:
    """The error names the annotation and what to write instead, and that nothing was sent."""
    with pytest.raises(QueryError) as caught:
        sent(box("yield"), value)

    assert (
        "1 of 2 annotations can't be sent; nothing was sent:\n[1] " in str(caught.value) or "links" in words
    )
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (Polygon("a", points=[(0, 0), (1, 1), (0, 0)]), "image", "has 2 different points"),
        (Polyline("a", points=[(0, 0)]), "image", "has fewer than two points"),
        (Mask("a", runs=[]), "image", "covers nothing"),
        (PointCloudMask("a", points=[]), "pcd", "covers nothing"),
        (Section("a", start=3, end=2), "audio", "ends at 2, before its start at 3"),
        (TimeRange("a", start=3, end=2), "data", "ends at 2, before its start at 3"),
        (Cuboid("a", position=(0, 0, 0), scale=(1, 0, 1)), "pcd", "has the lengths (1, 0, 1)"),
        (
            Cuboid("a", position=(0, 0, 0), scale=(1, 1, 1)),
            "image",
            "belongs to pcd, and the unit has image_1",
        ),
        (Section("a", start=1, end=2), "image", "belongs to audio or video, and the unit has image_1"),
    ],
)
def test_a_shape_that_covers_nothing_is_refused(value: Annotation, kind: str, words: str) -> None:
    """What the tool could not have drawn is refused, whatever the project."""
    with pytest.raises(QueryError) as caught:
        sent(value, media=[Medium(f"{kind}_1")], tools={})

    assert words in str(caught.value)


def test_two_of_one_id_are_refused() -> None:
    """Geometry is found by the id of its annotation."""
    with pytest.raises(QueryError, match="has the id 'a' of another one"):
        sent(box(id="a"), box(id="a"))


def test_only_the_first_five_are_told() -> None:
    """A thousand mistakes of one kind are one message."""
    with pytest.raises(QueryError) as caught:
        sent(*(box("x") for _ in range(1000)))

    assert "1000 of 1000 annotations can't be sent" in str(caught.value)
    assert str(caught.value).endswith("… and 996 more of them")


def test_an_unknown_way_with_what_is_outside_is_refused() -> None:
    """`outside` is one of three words."""
    with pytest.raises(QueryError, match="outside= takes one of clip, refuse, keep, got str 'drop'"):
        sent(box(), outside="drop")


class TestMedium:
    def test_is_the_only_one_that_suits(self) -> None:
        """A box lies in the picture, not in the file beside it."""
        assert ["image_1", "image_1"] == [each.media for each in sent(box(), Label("night"))]

    def test_is_the_primary_one_of_several(self) -> None:
        """Of several pictures the primary one is meant."""
        media = [Medium("image_2"), PICTURE]

        assert "image_1" == sent(box(), media=media)[0].media

    def test_must_be_said_where_several_suit(self) -> None:
        """Of several pictures without a primary one, none is guessed."""
        with pytest.raises(
            QueryError, match="may lie in several files; say which: media='image_1' or 'image_2'"
        ):
            sent(box(), media=[Medium("image_1"), Medium("image_2"), SIDE])

    def test_must_be_there(self) -> None:
        """A unit without files has nothing to draw on."""
        with pytest.raises(QueryError, match="the data unit has no files"):
            sent(box(), media=[])

    def test_may_be_of_a_kind_that_nobody_knows(self) -> None:
        """A file specification of another name is left to the backend."""
        assert "photo" == sent(box(media="photo"), media=[Medium("photo")])[0].media

    def test_of_another_size_is_refused_for_masks(self) -> None:
        """The runs of a mask count the pixels of one picture."""
        with pytest.raises(QueryError, match="is of a picture of 2 × 1 pixels, and its picture has 100 × 80"):
            sent(Mask.from_rows("a", [[1, 0]]), tools={})

    def test_of_its_own_bounds_a_mask_where_no_other_is_known(self) -> None:
        """Pixels behind the last one belong to no picture."""
        with pytest.raises(QueryError, match="covers pixel 2, and its picture of 2 × 1 has 2"):
            sent(Mask("a", runs=[(1, 2)], width=2, height=1), tools={}, media=[Medium("image_1")])

    def test_gives_its_size_to_masks(self) -> None:
        """The size of the picture is what pixels are counted by."""
        mask = sent(Mask("a", runs=[(0, 9)]), tools={})[0]

        assert (100, 80) == (mask.width, mask.height)


class TestWithoutConfiguration:
    def test_any_class_may_be_sent(self) -> None:
        """Where the project declares no tools, the backend decides."""
        assert "anything" == sent(box("anything", attributes={"a": 1}), tools={})[0].class_name

    def test_any_class_of_a_tool_without_classes_may_be_sent(self) -> None:
        """Where a tool has no classes, the backend decides."""
        first, second = box(id="a"), box(id="b")

        assert 3 == len(sent(first, second, Relation("next to", source=first, target="b")))


def test_attributes_that_are_declared_may_be_sent() -> None:
    """An option, several of them, none, or free text."""
    values = [{"color": "red"}, {"color": ["red", "blue"]}, {"color": None, "note": "x"}, {}]

    assert values == [each.attributes for each in sent(*(box(attributes=each) for each in values))]


class TestOutside:
    def test_is_clipped_where_asked(self) -> None:
        """Of a box that reaches over the edge, the part inside is sent under its id."""
        given = box(x=-5, y=70, width=20, height=20)
        clipped = sent(given, outside="clip")[0]

        assert (0, 70, 15, 10, given.id) == (clipped.x, clipped.y, clipped.width, clipped.height, clipped.id)

    def test_is_kept_where_asked(self) -> None:
        """A box may be sent as it is."""
        assert 900_000 == sent(box(height=900_000), outside="keep")[0].height

    def test_is_not_told_where_the_size_is_unknown(self) -> None:
        """Without a size nobody can tell."""
        assert 900_000 == sent(box(height=900_000), media=[Medium("image_1")])[0].height

    def test_counts_the_edge_as_inside(self) -> None:
        """A box may fill its picture, but for what rounding adds."""
        assert sent(box(x=0, y=0, width=100.000001, height=80))

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (box(x=200), "and nothing is left to clip"),
            (box(x=90, width=20, rotation=0.1), "only polygons and boxes that aren't rotated can be clipped"),
            (Point("a", x=101, y=0), "only polygons and boxes that aren't rotated can be clipped"),
            (Polyline("a", points=[(0, 0), (101, 0)]), "only polygons and boxes"),
            (Polygon("a", points=[(200, 0), (201, 0), (201, 1)]), "and nothing is left to clip"),
            (Mask("a", runs=[(7_999, 2)]), "covers pixel 8000, and its picture of 100 × 80 has 8,000"),
        ],
    )
    def test_is_refused_where_it_cannot_be_clipped(self, value: Annotation, words: str) -> None:
        """What would become another shape is left to the user."""
        with pytest.raises(QueryError) as caught:
            sent(value, tools={}, outside="clip")

        assert words in str(caught.value)

    def test_of_a_rotated_box_is_told_by_its_corners(self) -> None:
        """A box that is turned by a right angle reaches as far as it is wide."""
        with pytest.raises(QueryError, match="lies outside"):
            sent(box(x=0, y=0, width=90, height=10, rotation=1.5708))

    def test_of_a_polygon_is_cut_off_at_the_edge(self) -> None:
        """The outline follows the edge of the picture."""
        given = Polygon("a", points=[(50, 40), (150, 40), (150, 60), (50, 60)])
        clipped = sent(given, tools={}, outside="clip")[0]

        assert {(50, 40), (100, 40), (100, 60), (50, 60)} == set(clipped.points)


def test_what_nobody_can_read_may_be_sent_again() -> None:
    """An annotation of a tool that the project no longer has goes back, and none of that tool is made here."""
    document = {"annotations": {"image_1": [{"id": "a", "tool": "lane_3000"}, {"weight": 1}]}}
    found = Annotations.from_v1(document)

    assert document == found.replace(sent(*found)).to_v1()
    with pytest.raises(QueryError, match="is drawn by lane_3000, which the project doesn't have"):
        sent(OtherAnnotation(tool_name="lane_3000"))


def test_what_was_read_may_be_sent_again() -> None:
    """A document that the backend holds passes, and is written as it was."""
    entry = {"id": "a", "tool": "bounding_box", "classification": {"class": "stop"}, "x": 1}
    data = {"id": "a", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}
    document = {"annotations": {"image_1": [entry]}, "annotationsData": {"image_1": [data]}}
    found = Annotations.from_v1(document)

    assert document == found.replace(sent(*found)).to_v1()
