"""What was read is written as it came: v1, v2, and from one to the other but for what is listed."""

from __future__ import annotations

import json

from typing import Any

import attrs

from hypothesis import given

from synapse.annotations import Annotations, Box, Mask, Point, Polygon
from tests.unit.annotations.documents import V1, V2, Json, tidy_v1


def as_text(document: Any) -> str:
    """Write a document so that 1, 1.0 and true differ."""
    return json.dumps(document, sort_keys=True)


@given(V1)
def test_v1_is_written_as_it_was_read(document: Json) -> None:
    """A document of v1 comes back as it was, in whatever state."""
    assert as_text(document) == as_text(Annotations.from_v1(document).to_v1())


@given(V2 | tidy_v1().map(lambda document: Annotations.from_v1(document).to_v2()))
def test_v2_is_written_as_it_was_read(document: Json) -> None:
    """A document of v2 comes back as it was, in whatever state."""
    assert as_text(document) == as_text(Annotations.from_v2(document).to_v2())


def without_losses(document: Json) -> Json:
    """Leave out what v2 has no place for, and what it writes in another way."""
    entries = [
        {name: entry[name] for name in ("id", "tool", "classification")}
        for entry in document["annotations"].get("image_1", [])
    ]
    data = [_without_losses(dict(item)) for item in document["annotationsData"].get("image_1", [])]
    return {"entries": entries, "data": data}


def _without_losses(item: Json) -> Json:
    coordinate = item.get("coordinate")
    if isinstance(coordinate, list):
        item["coordinate"] = [{"x": point["x"], "y": point["y"]} for point in coordinate]
    elif isinstance(coordinate, dict) and isinstance(coordinate.get("rotation", 0), int | float):
        item["coordinate"] = {name: coordinate[name] for name in coordinate if name not in ("z", "id")}
    elif isinstance(coordinate, dict):
        item["coordinate"] = {name: coordinate[name] for name in ("x", "y", "width", "height")}
    if "psr" in item:
        item["psr"] = {"rotation": dict.fromkeys("xyz", 0), **item["psr"]}
    for name in ("isCompressed", "compressionFormat"):
        item.pop(name, None)
    if "pixel_indices" in item:
        item["pixel_indices"] = Annotations.from_v1(_mask(item["pixel_indices"])).of(Mask)
    return item


def _mask(pixels: Any) -> Json:
    entry = {"id": "a", "tool": "segmentation"}
    return {"annotations": {"m": [entry]}, "annotationsData": {"m": [{"id": "a", "pixel_indices": pixels}]}}


@given(tidy_v1())
def test_v1_comes_back_from_v2_but_for_what_it_loses(document: Json) -> None:
    """Through v2, v1 loses the ids of points, the editor's marks, and whatever else v2 has no place for."""
    through = Annotations.from_v2(Annotations.from_v1(document).to_v2()).to_v1()

    assert without_losses(document) == without_losses(through)


@given(V1)
def test_changing_a_document_leaves_what_was_read_alone(document: Json) -> None:
    """A document that is written can be edited, and the annotations stay as they were."""
    found = Annotations.from_v1(document)
    before = as_text(found.to_v1())
    for entries in (found.to_v1()["annotations"] or {}).values():
        (entries or []).clear()
    document.clear()

    assert before == as_text(found.to_v1())


def document_of(tool: str, data: Json, **entry: Any) -> Json:
    """Make a document of v1 with one annotation."""
    drawn = {"id": "a", "tool": tool, "isLocked": True, "weight": 3, **entry}
    return {"annotations": {"image_1": [drawn]}, "annotationsData": {"image_1": [{"id": "a", **data}]}}


class TestChanges:
    def test_keep_what_the_sdk_does_not_know(self) -> None:
        """A box that was moved keeps the keys of the editor."""
        coordinate = {"x": 1, "y": 2, "width": 3, "height": 4, "unit": "px"}
        found = Annotations.from_v1(document_of("bounding_box", {"coordinate": coordinate, "frameIndex": 7}))
        moved = found.replace(attrs.evolve(box, x=9) for box in found.boxes).to_v1()

        assert [{"id": "a", "coordinate": {**coordinate, "x": 9}, "frameIndex": 7}] == moved[
            "annotationsData"
        ]["image_1"]
        assert {"isLocked": True, "weight": 3}.items() <= moved["annotations"]["image_1"][0].items()

    def test_keep_the_ids_of_points_that_stay(self) -> None:
        """Of a polygon with one other point, the others keep their ids."""
        points = [{"x": x, "y": x * x, "id": f"p{x}"} for x in range(3)]
        found = Annotations.from_v1(document_of("polygon", {"coordinate": points}))
        moved = attrs.evolve(found.polygons[0], points=[(0, 0), (5, 5), (2, 4)])
        written = found.replace([moved]).to_v1()["annotationsData"]["image_1"][0]["coordinate"]

        assert ["p0", "p2"] == [written[0]["id"], written[2]["id"]]
        assert 10 == len(written[1]["id"])

    def test_tell_true_from_one(self) -> None:
        """An attribute that was 1 and is True now is sent."""
        document = document_of("classification", {}, classification={"class": "a", "seen": 1})
        found = Annotations.from_v1(document)
        changed = found.replace(attrs.evolve(each, attributes={"seen": True}) for each in found)

        assert changed.to_v1()["annotations"]["image_1"][0]["classification"]["seen"] is True

    def test_take_the_ids_of_what_is_gone_out_of_groups(self) -> None:
        """An annotation that is left out is named by no group."""
        document = document_of("bounding_box", {}) | {
            "annotationGroups": {"image_1": [{"id": "g", "annotationIds": ["a", "b"], "x": 1}]}
        }
        emptied = Annotations.from_v1(document).replace([]).to_v1()

        assert {"image_1": [{"id": "g", "annotationIds": ["b"], "x": 1}]} == emptied["annotationGroups"]

    def test_of_a_class_is_sent_under_its_name(self) -> None:
        """A class that was set is written, and the attributes stay."""
        document = document_of("classification", {}, classification={"class": "a", "b": 1})
        found = Annotations.from_v1(document)
        renamed = found.replace(attrs.evolve(each, class_name="c") for each in found).to_v1()

        assert {"class": "c", "b": 1} == renamed["annotations"]["image_1"][0]["classification"]

    def test_of_an_export_are_listed_among_its_classes(self) -> None:
        """A class that v2 did not list is added to its tool."""
        found = Annotations.from_v2({"classification": {"bounding_box": ["a"]}, "images": [{}]})
        box = Box("b", x=1, y=2, width=3, height=4, media="image_1", id="i")
        written = (found + [box]).to_v2()

        assert {"bounding_box": ["a", "b"]} == written["classification"]
        assert [
            {"bounding_box": [{"id": "i", "classification": "b", "attrs": [], "data": [1, 2, 3, 4]}]}
        ] == written["images"]


class TestNew:
    def test_v1_is_what_the_editor_writes(self) -> None:
        """A new box becomes an annotation with its data, and the places for relations and groups."""
        box = Box("stop", x=1, y=2, width=3, height=4, media="image_1", id="i", attributes={"sure": True})
        document = Annotations([box]).to_v1()
        marks = {"isLocked": False, "isVisible": True, "isValid": False, "isDrawCompleted": True, "label": []}
        named = {"classification": {"class": "stop", "sure": True}}

        assert {
            "assignmentId": None,
            "extra": {"image_1": {}},
            "relations": {"image_1": []},
            "annotationGroups": {"image_1": []},
            "annotations": {"image_1": [{**marks, "id": "i", "tool": "bounding_box", **named}]},
            "annotationsData": {
                "image_1": [{"id": "i", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}]
            },
        } == document

    def test_points_make_their_group(self) -> None:
        """Points of one group are listed under it, and come back with it."""
        points = [Point(name, x=1, y=2, group="p1", visibility="occluded", media="image_1") for name in "ab"]
        document = Annotations(points).to_v1()

        assert [{"id": "p1", "annotationIds": [point.id for point in points]}] == document[
            "annotationGroups"
        ]["image_1"]
        assert tuple(points) == Annotations.from_v1(document).points

    def test_points_keep_group_and_visibility_in_v2(self) -> None:
        """In v2 the group is an id, and the visibility a number."""
        point = Point("nose", x=1, y=2, group="p1", visibility="visible", media="image_1", id="i")
        document = Annotations([point]).to_v2()
        item = {
            "id": "i",
            "classification": "nose",
            "attrs": [],
            "data": [1, 2],
            "visibility": 2,
            "group_id": "p1",
        }

        assert [{"keypoint": [item]}] == document["images"]
        assert (point,) == Annotations.from_v2(document).points

    def test_masks_write_the_size_of_their_picture(self) -> None:
        """Without its picture's size, nobody could read a mask."""
        mask = Mask.from_rows("road", [[0, 1], [1, 0]], media="image_1", id="i")
        document = Annotations([mask]).to_v1()
        data = {"id": "i", "pixel_indices": [[1, 2]], "isCompressed": True, "compressionFormat": "rle"}

        assert {"image_1": {"width": 2, "height": 2}} == document["extra"]
        assert [data] == document["annotationsData"]["image_1"]
        assert [[False, True], [True, False]] == Annotations.from_v1(document).masks[0].to_rows()

    def test_polygons_have_ids_for_their_points(self) -> None:
        """The editor wants an id for each point of a polygon."""
        polygon = Polygon("a", points=[[0, 0], [1, 0], [1, 1]], media="image_1")
        points = Annotations([polygon]).to_v1()["annotationsData"]["image_1"][0]["coordinate"]

        assert 3 == len({point["id"] for point in points})
