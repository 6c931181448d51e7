"""What we write as COCO, YOLO and VOC, read by pycocotools, globox and labelformat."""

from __future__ import annotations

import json
import random
import subprocess

from pathlib import Path
from typing import Any, Final

import pytest

from PIL import Image

from synapse.annotations import Annotation, Box, Mask, Point, Polygon
from synapse.interop.formats import coco, voc, yolo
from tests.interop.judges_env import ensure_judges_python
from tests.interop.own_env import OwnEnvironmentError
from tests.unit.interop.shapes import document_of

pytestmark = pytest.mark.full

CLASSES: Final = ("stop", "yield sign", "차")
CATEGORIES: Final = coco.Categories(CLASSES, points=("nose", "tail"), object_name="cat")
PICTURES: Final = 12


def drawn(seed: int) -> tuple[int, int, list[Box], list[Annotation]]:
    """Draw a picture's size, its boxes, and its other shapes."""
    chance = random.Random(seed)
    width, height = chance.randint(20, 80), chance.randint(20, 60)
    boxes = []
    for _ in range(4):
        x, y = chance.randint(0, width - 2), chance.randint(0, height - 2)
        size = {"width": chance.randint(1, width - x), "height": chance.randint(1, height - y)}
        boxes.append(Box(chance.choice(CLASSES), x=x, y=y, **size))
    rows = [[chance.random() < 0.4 for _ in range(width)] for _ in range(height)]
    points = [Point("nose", x=3, y=4, group="g"), Point("tail", x=9, y=12, visibility="occluded", group="g")]
    outline = Polygon("stop", points=[(1, 1), (10, 2), (9, 15)])
    return width, height, boxes, [Mask.from_rows("차", rows), outline, *points]


@pytest.fixture(scope="module")
def world() -> dict[str, tuple[int, int, list[Box], list[Annotation]]]:
    """The pictures by stem, in the order of their ids from 1."""
    return {f"p{index:02}": drawn(index) for index in range(1, PICTURES + 1)}


@pytest.fixture(scope="module")
def judged(world: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the judges say of the files."""
    try:
        python = ensure_judges_python()
    except OwnEnvironmentError as error:
        pytest.skip(f"the judges of the formats could not be installed, NOTHING was read by them: {error}")
    folder = tmp_path_factory.mktemp("formats")
    write(world, folder)
    script = Path(__file__).with_name("judge_formats.py")
    done = subprocess.run(
        [str(python), str(script), str(folder)], capture_output=True, text=True, timeout=300
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def write(world: dict[str, Any], folder: Path) -> None:
    """Write every picture in each format."""
    ids, pictures = coco.new_ids(), []
    dataset = yolo.DataSet(kind="detect", classes=CLASSES)
    for name in ("images", "yolo", "voc"):
        (folder / name).mkdir()
    for number, (stem, (width, height, boxes, others)) in enumerate(world.items(), 1):
        image = {"id": number, "file_name": f"{stem}.png", "width": width, "height": height}
        pictures.append(coco.write([*boxes, *others], image=image, categories=CATEGORIES, ids=ids))
        lines, _ = yolo.write(boxes, dataset=dataset, width=width, height=height)
        text = voc.write(boxes, file_name=f"{stem}.png", width=width, height=height).text
        (folder / "yolo" / f"{stem}.txt").write_text("\n".join(lines), encoding="utf-8")
        (folder / "voc" / f"{stem}.xml").write_text(text, encoding="utf-8")
        Image.new("L", (width, height)).save(folder / "images" / f"{stem}.png")
    document = document_of(pictures, CATEGORIES)
    (folder / "coco.json").write_text(json.dumps(document), encoding="utf-8")
    (folder / "classes.txt").write_text("\n".join(CLASSES), encoding="utf-8")


def edges(world: dict[str, Any], label: Any = str) -> dict[str, list[list[Any]]]:
    """The boxes that went in, by their edges."""
    return {
        stem: [[label(box.class_name), box.x, box.y, box.x + box.width, box.y + box.height] for box in boxes]
        for stem, (_, _, boxes, _) in world.items()
    }


class TestCoco:
    def test_pycocotools_reads_the_boxes(self, world: dict[str, Any], judged: Any) -> None:
        """Each box is where it was, under its class."""
        expected = [
            [number, box.class_name, box.x, box.y, box.width, box.height]
            for number, (_, _, boxes, _) in enumerate(world.values(), 1)
            for box in boxes
        ]

        assert [] == [each for each in expected if each not in judged["pycocotools"]["boxes"]]

    def test_pycocotools_reads_the_pixels_of_masks(self, world: dict[str, Any], judged: Any) -> None:
        """Every pixel is covered as it was."""
        masks = [
            next(each for each in others if isinstance(each, Mask)) for _, _, _, others in world.values()
        ]

        assert [mask.to_rows() for mask in masks] == [
            [list(map(bool, row)) for row in rows] for rows in judged["pycocotools"]["masks"]
        ]

    def test_pycocotools_reads_points_and_evaluates(self, judged: Any) -> None:
        """What is held against itself fits wholly."""
        assert ([[3, 4, 2, 9, 12, 1]] * PICTURES, 1.0) == (
            judged["pycocotools"]["points"],
            judged["pycocotools"]["precision"],
        )

    def test_others_read_it(self, judged: Any) -> None:
        """globox and labelformat find as many boxes as there are annotations."""
        assert {PICTURES * 7} == {judged["globox_coco"], judged["labelformat"]["coco"]}


def test_globox_reads_voc(world: dict[str, Any], judged: Any) -> None:
    """Each box has its edges and its class."""
    assert edges(world) == judged["globox_voc"]
    assert PICTURES * 4 == judged["labelformat"]["voc"]


def test_globox_reads_yolo(world: dict[str, Any], judged: Any) -> None:
    """Each box has its edges, and the number of its class."""
    assert edges(world, lambda name: str(CLASSES.index(name))) == judged["globox_yolo"]
