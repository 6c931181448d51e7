"""What `export()` writes of a sandbox's tasks, read by pycocotools, globox and labelformat."""

from __future__ import annotations

import json
import shutil
import subprocess

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import synapse

from synapse import Task
from synapse.sandbox import Sandbox, serve
from tests.interop.judges_env import ensure_judges_python
from tests.interop.own_env import OwnEnvironmentError

pytestmark = pytest.mark.full

FORMATS: Final = ("coco", "yolo", "voc")
PLACES: Final = {
    "coco/annotations.json": "coco.json",
    "yolo/images": "images",
    "yolo/labels": "yolo",
    "voc/Annotations": "voc",
}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """The seeded workspace, whose tasks have a box each."""
    with serve(seed="demo") as sandbox, synapse.connect(sandbox.url, api_token=sandbox.api_token):
        yield sandbox


@pytest.fixture(scope="module")
def exported(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Any]]:
    """The exports as the judges look for them, and the boxes that are in them, in order."""
    folder = tmp_path_factory.mktemp("judged")
    tasks = Task.objects.filter(project=1)
    for name in FORMATS:
        tasks.export(folder / "out" / name, format=name, files="download" if name == "yolo" else None)
    for source, target in PLACES.items():
        shutil.move(folder / "out" / source, folder / target)
    boxes = [(task.id, box) for task in tasks for box in task.annotations.boxes]
    classes = list(dict.fromkeys(each.class_name for _, each in boxes))
    (folder / "classes.txt").write_text("\n".join(map(str, classes)), encoding="utf-8")
    return folder, boxes


@pytest.fixture(scope="module")
def judged(exported: tuple[Path, list[Any]]) -> Any:
    """What the judges say of the files."""
    try:
        python = ensure_judges_python()
    except OwnEnvironmentError as error:
        pytest.skip(f"the judges of the formats could not be installed, NOTHING was read by them: {error}")
    script = Path(__file__).with_name("judge_formats.py")
    done = subprocess.run(
        [str(python), str(script), str(exported[0])], capture_output=True, text=True, timeout=300
    )
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_pycocotools_reads_the_boxes(exported: tuple[Path, list[Any]], judged: Any) -> None:
    """Each box is where the task has it, under its class, and fits itself wholly."""
    expected = [[key, box.class_name, box.x, box.y, box.width, box.height] for key, box in exported[1]]

    assert (expected, 1.0) == (judged["pycocotools"]["boxes"], judged["pycocotools"]["precision"])


def test_all_read_as_many_boxes(exported: tuple[Path, list[Any]], judged: Any) -> None:
    """globox and labelformat find every box in each format."""
    counts = {judged["globox_coco"], *judged["labelformat"].values()}
    counts |= {sum(map(len, judged[name].values())) for name in ("globox_voc", "globox_yolo")}

    assert {len(exported[1])} == counts
