"""What the sandbox refuses under DM schema v1."""

from __future__ import annotations

import copy

from collections.abc import Callable
from typing import Any

import pytest

from tests.amounts import part
from tests.sandbox.test_annotation import annotate, fresh
from tests.sandbox.wire import Wire
from tests.sandbox.world import World

__all__ = ["fresh"]

BOX = {"x": 1, "y": 2.5, "width": 3, "height": 4}
WHOLE: dict[str, Any] = {
    "assignmentId": "7",
    "extra": {"image_1": {"width": 640}},
    "relations": {
        "image_1": [{"id": "r", "tool": "relation", "annotationId": "a", "targetAnnotationId": "b"}]
    },
    "annotationGroups": {"image_1": [{"id": "g", "annotationIds": ["a"]}]},
    "annotations": {
        "image_1": [
            {"id": "a", "tool": "bounding_box", "isLocked": False, "classification": {"class": "stop"}},
            {"id": "b", "tool": "lane_3000", "classification": None},
        ]
    },
    "annotationsData": {"image_1": [{"id": "a", "coordinate": BOX}, {"id": "b", "spline": "?"}]},
}
VECTOR = {"x": 1, "y": 2, "z": 3}
GEOMETRY: list[tuple[str, dict[str, Any], bool]] = [
    ("bounding_box", {"coordinate": {**BOX, "rotation": 0.5}}, True),
    ("bounding_box", {"coordinate": {**BOX, "rotation": "0.5"}}, False),
    ("bounding_box", {"coordinate": {"x": 1, "y": 2, "width": 3}}, False),
    ("bounding_box", {"coordinate": {**BOX, "x": True}}, False),
    ("bounding_box", {"coordinate": [1, 2, 3, 4]}, False),
    ("bounding_box", {}, False),
    ("polygon", {"coordinate": [{"x": 1, "y": 2, "id": "p"}]}, True),
    ("polygon", {"coordinate": [{"x": 1}]}, False),
    ("polyline", {"coordinate": {"x": 1, "y": 2}}, False),
    ("keypoint", {"coordinate": {"x": 1, "y": 2}}, True),
    ("keypoint", {"coordinate": {"x": 1, "y": None}}, False),
    ("segmentation", {"pixel_indices": [1, 2]}, True),
    ("segmentation", {"pixel_indices": [[1, 2]], "isCompressed": True}, True),
    ("segmentation", {"pixel_indices": [[1, 0]]}, False),
    ("segmentation", {"pixel_indices": [-1]}, False),
    ("segmentation", {"section": {"start": 0.5, "end": 1}}, True),
    ("segmentation", {"section": {"startFrame": 0, "endFrame": 1}}, True),
    ("segmentation", {"section": {"start": 0.5}}, False),
    ("3d_bounding_box", {"psr": {"position": VECTOR, "scale": VECTOR, "rotation": {**VECTOR, "w": 1}}}, True),
    ("3d_bounding_box", {"psr": {"position": VECTOR, "scale": VECTOR}}, False),
    ("3d_bounding_box", {"psr": []}, False),
    ("3d_segmentation", {"points": [0, 7]}, True),
    ("3d_segmentation", {"points": [0.5]}, False),
    ("named_entity", {"ranges": [], "content": ""}, True),
    ("named_entity", {"content": ""}, False),
    ("time_range", {"section": {"start": 0, "end": 1}}, True),
    ("time_range", {"section": None}, False),
    ("prompt", {"input": []}, True),
    ("prompt", {"input": "why?"}, False),
    ("answer", {"output": []}, True),
    ("answer", {}, False),
    ("classification", {}, True),
]


def spoiled(change: Callable[[Any], object]) -> dict[str, Any]:
    """Change one thing of a good document."""
    document = copy.deepcopy(WHOLE)
    change(document)
    return document


class TestDocument:
    @pytest.mark.parametrize(
        "data", [WHOLE, {"free": 1}, {"annotations": None}, {"annotations": {"image_1": []}}]
    )
    def test_of_the_schema_is_stored_as_it_came(self, wire: Wire, fresh: World, data: Any) -> None:
        """Sections may be missing, tools unknown, and keys new."""
        assert data == annotate(wire, fresh.tasks[0], {"data": data}).json()["data"]

    @pytest.mark.parametrize(
        ("change", "path"),
        [
            (lambda d: d.update(annotations=[]), None),
            (lambda d: d.update(annotations=[1]), "annotations"),
            (lambda d: d.update(extra="x"), "extra"),
            (lambda d: d["annotations"].update(image_1={"id": "a"}), "annotations.image_1"),
            (lambda d: d["annotations"]["image_1"].append(3), "annotations.image_1[2]"),
            (lambda d: d["annotations"]["image_1"][0].pop("id"), "annotations.image_1[0].id"),
            (lambda d: d["annotations"]["image_1"][0].update(tool=5), "annotations.image_1[0].tool"),
            (
                lambda d: d["annotations"]["image_1"][0].update(isLocked="no"),
                "annotations.image_1[0].isLocked",
            ),
            (
                lambda d: d["annotations"]["image_1"][0].update(classification="a"),
                "annotations.image_1[0].classification",
            ),
            (lambda d: d["annotationsData"]["image_1"][0].pop("id"), None),
            (lambda d: d["annotationsData"]["image_1"].append(3), "annotationsData.image_1[2]"),
            (lambda d: d["annotationsData"]["image_1"][0].pop("coordinate"), "annotationsData.image_1[0]"),
            (lambda d: d["relations"]["image_1"][0].pop("annotationId"), "relations.image_1[0].annotationId"),
            (lambda d: d["annotationGroups"]["image_1"][0].update(id=""), "annotationGroups.image_1[0].id"),
        ],
    )
    def test_of_another_form_is_refused_by_path(
        self, wire: Wire, fresh: World, change: Any, path: str | None
    ) -> None:
        """The answer names where; what is empty is as good as missing. `schema=any` takes it all the same."""
        body = {"data": spoiled(change)}

        answer = annotate(wire, fresh.tasks[0], body)

        told = (
            [fault.partition(":")[0] for fault in answer.json()["data"]]
            if answer.status_code == 400
            else [None]
        )
        assert [path] == told
        assert 200 == annotate(wire, fresh.tasks[0], body, "schema=any").status_code

    def test_with_many_faults_tells_the_first_twenty(self, wire: Wire, fresh: World) -> None:
        """A thousand faults don't make a thousand lines."""
        answer = annotate(wire, fresh.tasks[0], {"data": {"annotations": {"image_1": [3] * 1000}}})

        assert (400, 20) == (answer.status_code, len(answer.json()["data"]))


@pytest.mark.parametrize(("tool", "geometry", "is_good"), part(GEOMETRY, 0))
def test_data_are_what_their_tool_draws(
    wire: Wire, fresh: World, tool: str, geometry: dict[str, Any], is_good: bool
) -> None:
    """Data of a known tool have its geometry."""
    data = {
        "annotations": {"image_1": [{"id": "a", "tool": tool}]},
        "annotationsData": {"image_1": [{"id": "a", **geometry}]},
    }

    assert (200 if is_good else 400) == annotate(wire, fresh.tasks[0], {"data": data}).status_code
