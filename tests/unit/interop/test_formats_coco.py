"""COCO: what is written comes back, and what isn't is told."""

from __future__ import annotations

import copy

from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.annotations import Annotation, Box, Cuboid, Label, Mask, Point, Polygon, Polyline
from synapse.errors import MappingError
from synapse.interop.formats import coco
from synapse.interop.formats.rle import compress, decompress, from_counts, to_counts
from tests.unit.interop.shapes import CLASSES, HEIGHT, POLYGONS, WIDTH, boxes, document_of, masks

CATEGORIES = coco.Categories(CLASSES, points=("nose", "tail"), object_name="cat")
IMAGE = {"id": 7, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}


def written(*values: Annotation, image: dict[str, Any] = IMAGE) -> coco.Written:
    """Write one picture."""
    return coco.write(values, image=image, categories=CATEGORIES, ids=coco.new_ids())


def back(*values: Annotation, image: dict[str, Any] = IMAGE) -> list[Annotation]:
    """Write one picture as a document, and read that."""
    [found] = coco.read(document_of([written(*values, image=image)], CATEGORIES))
    assert () == found.problems
    return list(found.annotations)


class TestWrite:
    def test_a_box_is_its_corner_and_size(self) -> None:
        """The first category and the first annotation have the id 1."""
        found = written(Box("stop", x=1, y=2, width=3, height=4, attributes={"sure": True}))

        assert [
            {
                "id": 1,
                "image_id": 7,
                "category_id": 1,
                "iscrowd": 0,
                "segmentation": [],
                "area": 12,
                "bbox": [1, 2, 3, 4],
                "attributes": {"sure": True},
            }
        ] == found.annotations

    def test_a_polygon_has_its_area_and_the_box_around_it(self) -> None:
        """The area is that of the polygon, not of the box."""
        [item] = written(Polygon("stop", points=[(0, 0), (4, 0), (0, 2)])).annotations

        assert ([[0, 0, 4, 0, 0, 2]], 4, [0, 0, 4, 2]) == (item["segmentation"], item["area"], item["bbox"])

    def test_points_of_a_group_are_one_object(self) -> None:
        """They stand in the order of their category, and what isn't there is 0, 0, 0."""
        nose = Point("nose", x=5, y=6, visibility="occluded", group="g")
        found = written(nose, Point("tail", x=1, y=2, group="other"))

        assert [[5, 6, 1, 0, 0, 0], [0, 0, 0, 1, 2, 2]] == [each["keypoints"] for each in found.annotations]
        assert [
            {"id": 4, "name": "cat", "keypoints": ["nose", "tail"], "skeleton": []}
        ] == CATEGORIES.to_json()[3:]

    @pytest.mark.parametrize(
        ("value", "outcome", "words"),
        [
            (Box("stop", x=9, y=9, width=3, height=4, rotation=0.5), "lossy", "its rotation"),
            (Label("stop", attributes={"a": 1}), "lossy", "it becomes an attribute of the picture"),
            (Point("nose", x=1, y=2, visibility="missing"), "lossy", "where it is, as it is missing"),
            (Point("nose", x=1, y=2, attributes={"a": 1}), "lossy", "its attributes"),
            (Point("ear", x=1, y=2), "skipped", "'ear' is no point of 'cat'"),
            (
                Polyline("stop", points=[(0, 0), (1, 1)]),
                "skipped",
                "COCO has no Polyline; dm_v2 and jsonl hold it",
            ),
            (Cuboid("stop", position=(0, 0, 0), scale=(1, 1, 1)), "skipped", "COCO has no Cuboid"),
            (Box(None, x=1, y=2, width=3, height=4), "skipped", "it has no class"),
            (Box("other", x=1, y=2, width=3, height=4), "skipped", "'other' is among no categories"),
        ],
    )
    def test_what_is_lost_is_told(self, value: Annotation, outcome: str, words: str) -> None:
        """Each problem has its annotation and the reason."""
        [problem] = written(value).problems

        assert (outcome, value) == (problem.outcome, problem.annotation)
        assert words in problem.reason

    def test_the_second_point_of_one_name_is_told(self) -> None:
        """A group has one nose."""
        points = [Point("nose", x=x, y=2, group="g") for x in (1, 2)]

        assert [("skipped", points[1])] == [
            (each.outcome, each.annotation) for each in written(*points).problems
        ]


class TestRoundTrip:
    @given(st.lists(boxes() | POLYGONS, max_size=4))
    def test_boxes_and_polygons_come_back(self, values: list[Annotation]) -> None:
        """They are the same values."""
        assert values == back(*values)

    @given(masks())
    def test_masks_come_back(self, mask: Mask) -> None:
        """Every pixel is covered as before."""
        image = {**IMAGE, "width": mask.width, "height": mask.height}

        assert [mask] == back(mask, image=image)

    def test_points_and_labels_come_back(self) -> None:
        """Points have a group again, of another name."""
        nose, tail = (Point(name, x=1, y=2, visibility="visible", group="g") for name in ("nose", "tail"))
        label, *points = back(nose, tail, Label("night"))

        assert Label("night") == label
        assert [("nose", 1, 2, "object 1"), ("tail", 1, 2, "object 1")] == [
            (each.class_name, each.x, each.y, each.group) for each in points if isinstance(each, Point)
        ]

    @given(st.lists(st.integers(0, 1 << 20), max_size=9))
    def test_counts_come_back(self, counts: list[int]) -> None:
        """What is compressed can be read."""
        assert counts == decompress(compress(counts))

    @given(masks())
    def test_columns_come_back(self, mask: Mask) -> None:
        """Turned to columns and back, the runs are the same."""
        size = {"width": mask.width or 0, "height": mask.height or 0}

        assert mask.runs == from_counts(to_counts(mask.runs, **size), **size)


DOCUMENT = document_of([written(Box("stop", x=1, y=2, width=3, height=4))], CATEGORIES)


def spoiled(section: str, **changes: Any) -> dict[str, Any]:
    """Change the first object of a section."""
    document = copy.deepcopy(DOCUMENT)
    document[section][0].update(changes)
    return document


class TestRead:
    @pytest.mark.parametrize(
        ("document", "path", "words"),
        [
            (spoiled("annotations", bbox=[1, 2, 3]), "annotations[0].bbox", "no list of x, y, width"),
            (spoiled("annotations", bbox=[1, 2, 3, "4"]), "annotations[0].bbox", "takes a finite number"),
            (
                spoiled("annotations", bbox=None),
                "annotations[0]",
                "neither bbox nor segmentation nor visible keypoints",
            ),
            (spoiled("annotations", category_id=99), "annotations[0].category_id", "there is no category 99"),
            (
                spoiled("annotations", category_id=[1]),
                "annotations[0].category_id",
                "there is no category [1]",
            ),
            (spoiled("annotations", image_id=99), "annotations[0].image_id", "there is no such image"),
            (
                spoiled("annotations", segmentation=[[1, 2, 3, 4]]),
                "annotations[0].segmentation",
                "of 4 numbers",
            ),
            (
                spoiled("annotations", segmentation={"size": [2, 2], "counts": [1, 9]}),
                "annotations[0].segmentation",
                "the runs count 10 pixels, and 2 × 2 are 4",
            ),
            (
                spoiled("annotations", segmentation={"size": [1 << 20, 1 << 20], "counts": [1 << 40]}),
                "annotations[0].segmentation",
                "the runs count",
            ),
            (
                spoiled("annotations", segmentation={"size": ["2", 2], "counts": [4]}),
                "annotations[0].segmentation",
                "those of a picture of 2 × '2' pixels",
            ),
            (
                spoiled("annotations", segmentation={"size": [2, 2], "counts": None}),
                "annotations[0].segmentation",
                "no list of whole numbers",
            ),
            (
                spoiled("annotations", segmentation={"size": [2, 2], "counts": "\n"}),
                "annotations[0].segmentation",
                "which is no part of a count",
            ),
            (
                spoiled("annotations", segmentation={"size": [2, 2], "counts": "P"}),
                "annotations[0].segmentation",
                "end in the middle of a count",
            ),
            (
                spoiled("annotations", keypoints=[1, 2, 2]),
                "annotations[0].keypoints",
                "other points than its category",
            ),
            (spoiled("images", id=None), "images[0].id", "it is missing or doubled: None"),
        ],
    )
    def test_what_is_broken_is_told_by_path(self, document: Any, path: str, words: str) -> None:
        """One bad annotation hides no other."""
        problems = [problem for picture in coco.read(document) for problem in picture.problems]

        assert path == problems[0].path
        assert words in problems[0].reason

    @pytest.mark.parametrize(
        ("categories", "words"),
        [
            ([{"id": [1], "name": "a"}], "categories[0].id is missing or doubled: list [1]"),
            (
                [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}],
                "categories[1].id is missing or doubled: int 1",
            ),
        ],
    )
    def test_categories_have_ids_of_their_own(self, categories: Any, words: str) -> None:
        """Else a box would get another class."""
        with pytest.raises(MappingError) as caught:
            list(coco.read({**DOCUMENT, "categories": categories}))

        assert words in str(caught.value)

    @pytest.mark.parametrize("name", [None, "", 5])
    def test_a_category_has_a_name(self, name: Any) -> None:
        """A box without a class is never sent for one that has a class."""
        [found] = coco.read(spoiled("categories", name=name))

        assert ["annotations[0].category_id"] == [problem.path for problem in found.problems]

    def test_takes_ids_that_a_table_made_floats(self) -> None:
        """7.0 is 7."""
        [found] = coco.read(spoiled("annotations", image_id=float(IMAGE["id"]), category_id=1.0))

        assert (1, ()) == (len(found.annotations), found.problems)

    def test_an_object_without_visible_points_is_its_box(self) -> None:
        """COCO's own files have keypoints that are all 0."""
        [found] = coco.read(spoiled("annotations", category_id=4, keypoints=[0] * 6, num_keypoints=0))

        assert [Box] == [type(each) for each in found.annotations]

    @pytest.mark.parametrize(
        ("fields", "lost"),
        [
            ({"iscrowd": 1}, "that it is a crowd"),
            (
                {"segmentation": [[0, 0, 1, 0, 1, 1], [5, 5, 6, 5, 6, 6]]},
                "that its 2 parts are one object",
            ),
            (
                {"category_id": 4, "keypoints": [1, 2, 2, 3, 4, 1], "segmentation": [[0, 0, 1, 0, 1, 1]]},
                "its outline, its box",
            ),
        ],
    )
    def test_what_is_left_out_is_told(self, fields: Any, lost: str) -> None:
        """Each loss has its place in the file."""
        [found] = coco.read(spoiled("annotations", **fields))

        assert [("lossy", "annotations[0]", lost)] == [
            (problem.outcome, problem.path, problem.reason) for problem in found.problems
        ]

    def test_doubled_images_are_told(self) -> None:
        """The second picture of one id has no annotations."""
        first, second = coco.read({**DOCUMENT, "images": DOCUMENT["images"] * 2})

        assert (1, 0) == (len(first.annotations), len(second.annotations))
        assert ["images[1].id"] == [problem.path for problem in second.problems]

    @pytest.mark.parametrize(
        ("document", "path"),
        [
            (None, "images is no list"),
            ([], "images is no list"),
            ({"images": []}, "categories is no list"),
            ({**DOCUMENT, "images": [3]}, "images[0] is no object"),
            ({**DOCUMENT, "annotations": {}}, "annotations is no list"),
        ],
    )
    def test_what_is_no_coco_is_refused(self, document: Any, path: str) -> None:
        """The error names the section."""
        with pytest.raises(MappingError) as caught:
            list(coco.read(document))

        assert path in str(caught.value)

    def test_a_document_without_annotations_has_pictures(self) -> None:
        """Test sets have no annotations at all."""
        [found] = coco.read({"images": [IMAGE], "categories": []})

        assert ((), ()) == (found.annotations, found.problems)
