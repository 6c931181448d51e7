"""Masks as pictures whose pixels are numbers."""

from __future__ import annotations

import io

from pathlib import Path

import pytest

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from synapse.annotations import Box, Mask
from synapse.interop.formats import coco, voc, voc_masks, yolo
from tests.unit.interop.shapes import masks

SIZE = (9, 7)


def written(folder: Path, content: bytes) -> Path:
    """Write a picture of objects."""
    path = folder / "a.png"
    path.write_bytes(content)
    return path


@given(st.lists(masks(), max_size=3))
def test_a_picture_has_the_numbers_and_colours_of_voc(drawn: list[Mask]) -> None:
    """Pillow reads what was painted."""
    numbered = dict(enumerate(drawn, 1))
    pixels = voc_masks.painted(numbered, size=SIZE)
    picture = Image.open(io.BytesIO(voc_masks.png(pixels, width=SIZE[0], height=SIZE[1])))

    assert ("P", SIZE, pixels) == (picture.mode, picture.size, picture.tobytes())
    assert [0, 0, 0, 128, 0, 0, 0, 128, 0] == (picture.getpalette() or [])[:9]


@given(masks())
def test_a_mask_comes_back(tmp_path_factory: pytest.TempPathFactory, mask: Mask) -> None:
    """The pixels of its number are its own, and an object without pixels stays a box."""
    folder = tmp_path_factory.mktemp("masks")
    content = voc_masks.png(voc_masks.painted({2: mask}, size=SIZE), width=SIZE[0], height=SIZE[1])
    boxes = {number: Box(mask.class_name, x=0, y=0, width=1, height=1) for number in (1, 2)}
    found, problems = voc_masks.with_masks(boxes, written(folder, content))

    assert ((boxes[1], mask), ()) == (found, problems)


def test_what_others_cover_is_told() -> None:
    """The later mask lies above."""
    drawn = {1: Mask("a", runs=[(0, 5)]), 2: Mask("b", runs=[(4, 5)])}

    assert [drawn[1]] == voc_masks.covered(voc_masks.painted(drawn, size=SIZE), drawn)


def test_objects_are_numbered_in_the_order_of_the_xml() -> None:
    """A box before a mask takes a number, too; one mask too many is a box."""
    many = [Mask("a", runs=[(0, 5)])] * (voc_masks.MOST + 1)
    made = voc.write([Box("a", x=1, y=1, width=2, height=2), *many], file_name="a", width=9, height=7)

    assert list(range(2, voc_masks.MOST + 1)) == list(made.masks)
    assert ["the shape of the Mask; the box around it is written"] * 2 == [p.reason for p in made.problems]
    assert "<segmented>1</segmented>" in made.text


@pytest.mark.parametrize(
    ("mode", "words"), [(None, "no PNG that can be read"), ("RGB", "a PNG with a palette is needed")]
)
def test_boxes_stay_where_there_are_no_numbers(tmp_path: Path, mode: str | None, words: str) -> None:
    """A picture that can't be read is told by its path."""
    content = io.BytesIO(b"")
    if mode:
        Image.new(mode, SIZE).save(content, "PNG")
    box = Box("a", x=0, y=0, width=1, height=1)
    found, [problem] = voc_masks.with_masks({1: box}, written(tmp_path, content.getvalue()))

    assert (box,) == found
    assert words in problem.reason


@pytest.mark.parametrize("format", ["coco", "yolo", "voc"])
@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (Mask("a", runs=[(60, 9)]), "it covers pixel 68, and its picture has 9 × 7"),
        (Mask("a", runs=[(0, 9)], width=7, height=9), "it is of a picture of 7 × 9 pixels"),
    ],
)
def test_a_mask_of_another_picture_is_left_out(format: str, mask: Mask, words: str) -> None:
    """Its pixels would lie elsewhere."""
    if format == "coco":
        image = {"id": 1, "file_name": "a", "width": 9, "height": 7}
        known = coco.Categories(("a",))
        problems = coco.write([mask], image=image, categories=known, ids=coco.new_ids()).problems
    elif format == "yolo":
        dataset = yolo.DataSet(kind="segment", classes=("a",))
        _, problems = yolo.write([mask], dataset=dataset, width=9, height=7)
    else:
        problems = voc.write([mask], file_name="a", width=9, height=7).problems

    assert ["skipped"] == [problem.outcome for problem in problems]
    assert words in problems[0].reason


def test_the_map_of_labels_has_a_line_for_each_class() -> None:
    """The ground comes first."""
    assert voc_masks.label_map(["stop"]).endswith("background:0,0,0::\nstop:128,0,0::\n")
