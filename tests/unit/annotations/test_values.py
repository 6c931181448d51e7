"""Annotations as values: what their fields take, how they compare, and what they show."""

from __future__ import annotations

import pickle

from collections.abc import Callable
from typing import Any

import attrs
import numpy as np
import pytest

from synapse.annotations import (
    Annotation,
    Annotations,
    Answer,
    Box,
    Cuboid,
    Label,
    Mask,
    OtherAnnotation,
    Point,
    PointCloudMask,
    Polygon,
    Polyline,
    Prompt,
    Relation,
    Section,
    Span,
    TimeRange,
)
from synapse.errors import MappingError

BOX = Box("stop", x=1, y=2, width=3, height=4)
EACH: list[Annotation] = [
    BOX,
    Polygon("a", points=[(0, 0), (1, 0), (1, 1)]),
    Polyline("a", points=[[0, 0], [1, 0]]),
    Point("a", x=1, y=2, visibility="visible", group="g"),
    Mask("a", runs=[(0, 3)], width=2, height=2),
    Cuboid("a", position=(0, 0, 0), scale=(1, 1, 1), rotation=(1, 0, 0, 0)),
    PointCloudMask("a", points=[1, 2]),
    Label("a", attributes={"b": [1]}),
    Section("a", start=1, end=2.5),
    TimeRange("a", start=1, end=2, excluded_tracks=["t"]),
    Span("a", ranges=[{"start": 1}], content="x"),
    Relation("a", source=BOX, target="b"),
    Prompt(input=[{"type": "text"}]),
    Answer(output=[{"type": "text"}], details={"model": "m"}),
    OtherAnnotation("a", tool_name="lane", data={"k": 1}),
]


@pytest.mark.parametrize("value", EACH, ids=lambda value: type(value).__name__)
class TestEach:
    def test_survives_pickle(self, value: Annotation) -> None:
        """An annotation comes out of a pickle with its id."""
        copy = pickle.loads(pickle.dumps(value))

        assert (value, value.id) == (copy, copy.id)

    def test_is_frozen_and_hashable(self, value: Annotation) -> None:
        """An annotation can stand in a set, and nothing can be set."""
        assert 1 == len({value, attrs.evolve(value)})
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            value.class_name = "b"  # type: ignore[misc]

    def test_comes_back_from_v1(self, value: Annotation) -> None:
        """Written as v1 and read again, it is the same value."""
        placed = attrs.evolve(value, media="image_1")

        assert [placed] == list(Annotations.from_v1(Annotations([placed]).to_v1()))

    def test_comes_back_from_v2(self, value: Annotation) -> None:
        """Written as v2 and read again, it is the same value."""
        placed = attrs.evolve(value, media="image_1")

        assert [placed] == list(Annotations.from_v2(Annotations([placed]).to_v2()))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Box("a", x="1", y=2, width=3, height=4), "Box(x=...) takes a finite number, got str '1'"),  # type: ignore[arg-type]
        (lambda: Box("a", x=1, y=float("nan"), width=3, height=4), "Box(y=...) takes a finite number"),
        (lambda: Box("a", x=1, y=2, width=float("inf"), height=4), "Box(width=...) takes a finite number"),
        (lambda: Box("a", x=10**400, y=2, width=3, height=4), "Box(x=...) takes a finite number"),
        (lambda: Box("a", x=1, y=2, width=3, height=True), "Box(height=...) takes a finite number"),
        (lambda: Box("a", x=1, y=2, width=3, height=4, rotation=float("nan")), "Box(rotation=...) takes"),
        (lambda: Box(7, x=1, y=2, width=3, height=4), "Box(class_name=...) takes text"),  # type: ignore[arg-type]
        (lambda: Label(" "), "Label(class_name=...) takes text that is not empty"),
        (lambda: Label("a", attributes=["b"]), "Label(attributes=...) takes a mapping of names"),  # type: ignore[arg-type]
        (lambda: Label("a", attributes={1: 2}), "Label(attributes=...) takes a mapping of names"),  # type: ignore[dict-item]
        (lambda: Label("a", media=""), "Label(media=...) takes text that is not empty"),
        (lambda: Polygon("a", points=[(1, 2, 3)]), "Polygon(points=...) takes a sequence of (x, y)"),  # type: ignore[list-item]
        (lambda: Polygon("a", points=5), "Polygon(points=...) takes a sequence of (x, y)"),  # type: ignore[arg-type]
        (lambda: Polyline("a", points=[(1, None)]), "Polyline(points=...) takes a sequence of (x, y)"),  # type: ignore[list-item]
        (lambda: Point("a", x=1, y=2, visibility="half"), "takes one of missing, occluded, visible"),  # type: ignore[arg-type]
        (lambda: Point("a", x=1, y=2, group=""), "Point(group=...) takes text"),
        (lambda: Mask("a", runs=[(5, 2), (6, 1)]), "takes (start, length) pairs of whole numbers, in order"),
        (lambda: Mask("a", runs=[(0.5, 2)]), "takes (start, length) pairs"),  # type: ignore[list-item]
        (lambda: Mask("a", runs=[], width=0), "Mask(width=...) takes a number of pixels"),
        (lambda: Mask.from_rows("a", [[1, 0], [1]]), "takes rows of one length"),
        (lambda: Mask.from_rows("a", [1, 0]), "takes rows of one length"),  # type: ignore[list-item]
        (lambda: Mask.from_rows("a", np.ones((2, 2, 3))), "takes rows of one length"),
        (lambda: Mask("a", runs=[(0, 1)]).to_rows(), "takes the size of its picture before to_rows()"),
        (lambda: Cuboid("a", position=(0, 0), scale=(1, 1, 1)), "Cuboid(position=...) takes (x, y, z)"),  # type: ignore[arg-type]
        (lambda: Cuboid("a", position=(0, 0, 0), scale=(1, 1, 1), rotation=(1,)), "or (w, x, y, z)"),  # type: ignore[arg-type]
        (lambda: PointCloudMask("a", points=[-1]), "takes a sequence of indices of points, from 0"),
        (lambda: Section("a", start="0", end=1), "Section(start=...) takes a finite number"),  # type: ignore[arg-type]
        (lambda: TimeRange("a", start=0, end=1, excluded_tracks=[1]), "takes a sequence of text"),  # type: ignore[list-item]
        (lambda: Span("a", ranges="0-3"), "Span(ranges=...) takes a sequence"),
        (lambda: Relation("a", source="", target="b"), "Relation(source=...) takes text"),
        (lambda: Annotations([{"x": 1}]), "takes annotations such as Box(...), got dict with 'x'"),  # type: ignore[list-item]
        (lambda: Annotations(5), "takes annotations such as Box(...), got int 5"),  # type: ignore[arg-type]
        (lambda: Annotations([BOX]).to_v1(), "lies in no medium; give it one, such as media='image_1'"),
    ],
)
def test_what_does_not_fit_is_refused(make: Callable[[], Any], words: str) -> None:
    """A value that no geometry has is refused where it is made, by name."""
    with pytest.raises(MappingError) as caught:
        make()

    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["x", "y", "width", "height"])
def test_a_box_without_coordinates_is_refused(name: str) -> None:
    """What makes up a box can't be left out."""
    given = {"x": 1, "y": 2, "width": 3, "height": 4}
    del given[name]
    with pytest.raises(TypeError, match=name):
        Box("a", **given)  # type: ignore[arg-type]


class TestValues:
    def test_are_equal_whatever_their_ids(self) -> None:
        """Two boxes that differ in nothing but their ids are equal."""
        other = Box("stop", x=1, y=2, width=3, height=4)

        assert (BOX, False) == (other, BOX.id == other.id)

    def test_have_ids_as_the_editor_makes_them(self) -> None:
        """An id is ten letters and digits, and none is made twice."""
        ids = {Label("a").id for _ in range(100)}

        assert 100 == len(ids)
        assert {10} == {len(key) for key in ids if key.isalnum() and key.isascii()}

    def test_take_numbers_of_numpy(self) -> None:
        """A model's output needs no conversion, and is sent as plain numbers."""
        box = Box(
            "a", x=np.float32(1.5), y=np.int64(2), width=3, height=4, attributes={"score": np.float64(0.5)}
        )  # type: ignore[arg-type]

        assert [float, int, float] == [type(each) for each in (box.x, box.y, box.attributes["score"])]

    def test_take_arrays_of_points(self) -> None:
        """An array of points is as good as a list."""
        assert ((0, 1), (2, 3)) == Polyline("a", points=np.array([[0, 1], [2, 3]])).points

    def test_own_what_they_were_made_of(self) -> None:
        """Edits of what was given don't reach the value."""
        given = {"a": [1]}
        label = Label("a", attributes=given)
        given["a"].append(2)

        assert {"a": [1]} == label.attributes

    def test_show_what_was_given(self) -> None:
        """The repr leaves out what is empty."""
        assert "Box('a', x=1, y=2, width=3, height=4, media='image_1', id='i')" == repr(
            Box("a", x=1, y=2, width=3, height=4, media="image_1", id="i")
        )

    def test_show_the_beginning_of_what_is_long(self) -> None:
        """A polygon of a thousand points doesn't fill the screen."""
        assert len(repr(Polygon("a", points=[(x, x) for x in range(1000)]))) < 200

    def test_masks_of_arrays_come_back(self) -> None:
        """The pixels of a mask are those of the array that it was made of."""
        pixels = np.array([[0, 1, 1], [1, 0, 1]], dtype=bool)
        mask = Mask.from_rows("a", pixels)

        assert (pixels.tolist(), ((1, 3), (5, 1)), 4) == (mask.to_rows(), mask.runs, mask.area)


class TestAnnotations:
    FOUND = Annotations([attrs.evolve(each, media=f"image_{index % 2}") for index, each in enumerate(EACH)])

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("boxes", Box),
            ("polygons", Polygon),
            ("polylines", Polyline),
            ("points", Point),
            ("masks", Mask),
            ("cuboids", Cuboid),
            ("labels", Label),
            ("sections", Section),
            ("relations", Relation),
        ],
    )
    def test_are_sorted_by_class(self, name: str, kind: type[Annotation]) -> None:
        """Each property holds the annotations of its class."""
        assert [kind] == [type(each) for each in getattr(self.FOUND, name)]

    def test_are_grouped_by_medium(self) -> None:
        """Each medium has its annotations, in order."""
        assert (self.FOUND[0::2], self.FOUND[1::2]) == tuple(self.FOUND.by_media.values())

    def test_grow_by_others(self) -> None:
        """Adding gives new annotations, and leaves these alone."""
        assert (15, 16, BOX) == (len(self.FOUND), len(self.FOUND + [BOX]), (self.FOUND + [BOX])[-1])

    def test_survive_pickle(self) -> None:
        """What a document holds besides travels along."""
        found = Annotations.from_v1({"annotations": {}, "new": 1})

        assert {"annotations": {}, "new": 1} == pickle.loads(pickle.dumps(found)).to_v1()

    def test_show_the_first(self) -> None:
        """The repr shows five, and says how many there are."""
        assert repr(self.FOUND).endswith("… (15 in all)])")
        assert "Annotations([])" == repr(Annotations())


class TestReading:
    @pytest.mark.parametrize("document", [None, [], "text", {}, {"label": "7"}, {"mode": "presigned"}])
    def test_what_is_no_document_is_refused(self, document: Any) -> None:
        """Free data is no annotation, and is not taken for an empty one."""
        with pytest.raises(MappingError, match="no document of DM schema v1.*read the raw data instead"):
            Annotations.from_v1(document)
        with pytest.raises(MappingError, match="no document of DM schema v2"):
            Annotations.from_v2(document)

    @pytest.mark.parametrize(
        ("document", "path"),
        [
            ({"annotations": []}, "annotations of"),
            ({"annotations": {"image_1": {}}}, "annotations['image_1'] of"),
            ({"annotations": {"image_1": [3]}}, "annotations['image_1'][0] of"),
            ({"annotations": {}, "annotationsData": {"a": [{}, 3]}}, "annotationsData['a'][1] of"),
        ],
    )
    def test_v1_in_another_form_is_refused_with_its_path(self, document: Any, path: str) -> None:
        """The error says where the document isn't in its form."""
        with pytest.raises(MappingError) as caught:
            Annotations.from_v1(document)

        assert path in str(caught.value)

    @pytest.mark.parametrize(
        ("document", "path"),
        [
            ({"images": {"a": 1}}, "images of"),
            ({"images": [[]]}, "images[0] of"),
            ({"images": [{"polygon": [{}, 3]}]}, "images[0].polygon[1] of"),
        ],
    )
    def test_v2_in_another_form_is_refused_with_its_path(self, document: Any, path: str) -> None:
        """The error says where the document isn't in its form."""
        with pytest.raises(MappingError) as caught:
            Annotations.from_v2(document)

        assert path in str(caught.value)

    def test_a_geometry_that_nobody_can_read_is_kept(self) -> None:
        """A box without a height comes as what it is, and is no box."""
        data = {"id": "a", "coordinate": {"x": 1, "y": 2, "width": 3}}
        document = {
            "annotations": {"image_1": [{"id": "a", "tool": "bounding_box"}]},
            "annotationsData": {"image_1": [data]},
        }
        found = Annotations.from_v1(document)[0]

        assert ("bounding_box", {"coordinate": data["coordinate"]}) == (found.tool, found.data)  # type: ignore[attr-defined]

    @pytest.mark.parametrize(("media", "places"), [("photo_1", None), ("image_x", "images")])
    def test_media_without_a_place_in_v2_are_refused(self, media: str, places: str | None) -> None:
        """V2 sorts by the kind of medium, which the name must tell."""
        found = Annotations([Label("a", media=media)])
        exported = Annotations.from_v2({"classification": {}}).replace(found)

        with pytest.raises(MappingError, match="has no place"):
            (exported if places else found).to_v2()
