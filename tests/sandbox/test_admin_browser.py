"""The admin pages in a real browser: pictures load, and shapes lie on them where the annotations say."""

from __future__ import annotations

import io
import json
import subprocess

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from PIL import Image

from synapse.sandbox import Sandbox, serve
from tests.interop.own_env import ensure_browser
from tests.sandbox.wire import Wire

pytestmark = pytest.mark.full

LISTS: Final = {
    "datafile": 22, "dataunit": 22, "task": 22, "assignment": 41, "groundtruth": 6, "groundtruthevent": 6,
}  # fmt: skip
WIDTH, HEIGHT = 200, 100
SIGN: Final = {"x": 30, "y": 40, "width": 100, "height": 40}
CORNERS: Final = [{"x": 150, "y": 10}, {"x": 190, "y": 10}, {"x": 190, "y": 50}]
RED: Final = (200, 0, 0)


def sign() -> bytes:
    """Paint a picture, black but for a red sign."""
    picture, file = Image.new("RGB", (WIDTH, HEIGHT)), io.BytesIO()
    left, top = SIGN["x"], SIGN["y"]
    picture.paste(RED, (left, top, left + SIGN["width"], top + SIGN["height"]))
    picture.save(file, "PNG")
    return file.getvalue()


def document(media: str) -> dict[str, Any]:
    """Annotate the sign with a box; and a corner of the picture with a polygon."""
    tools = [("a", "bounding_box", SIGN), ("b", "polygon", CORNERS)]
    entries = [{"id": key, "tool": tool, "classification": {"class": "정지"}} for key, tool, _ in tools]
    data = [{"id": key, "coordinate": coordinate} for key, _, coordinate in tools]
    return {"annotations": {media: entries}, "annotationsData": {media: data}}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    """A seeded sandbox with one more picture than others have."""
    with serve(seed="demo") as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def task(box: Sandbox) -> int:
    """The task with the sign."""
    wire = Wire(box.url, box.api_token)
    file = wire.data_file(sign(), name="표지판_017.png")
    body = {
        "data_collection": 1,
        "files": {"image_1": {"checksum": file["checksum"], "path": "day 1/표지판_017.png"}},
    }
    [unit] = wire.create("data_units/", [body])
    made = wire.create("tasks/", {"project": 1, "data_unit": unit["id"]})
    answer = wire.send(
        "PUT",
        f"tasks/{made['id']}/annotate_task_data/",
        json={"action": "submit", "data": document("image_1")},
    )
    assert 200 == answer.status_code, answer.text
    return int(made["id"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots go."""
    return tmp_path_factory.mktemp("admin")


@pytest.fixture(scope="module")
def seen(box: Sandbox, task: int, folder: Path) -> Any:
    """What Chromium sees."""
    python, chromium = ensure_browser()
    pages = [*(f"sandbox/{name}/" for name in LISTS), f"sandbox/task/{task}/change/"]
    site = {"url": box.admin_url, "user": box.admin_user, "password": box.admin_password, "pages": pages}
    script = Path(__file__).with_name("look_at_admin.py")
    command = [str(python), str(script), chromium, str(folder), json.dumps(site)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=500)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def pixel(picture: Image.Image, image: dict[str, float], *, x: float, y: float) -> tuple[int, ...]:
    """Give the colour where a pixel of the sign's picture is shown."""
    place = image["x"] + x * image["width"] / WIDTH, image["y"] + y * image["height"] / HEIGHT
    colour: Any = picture.getpixel((round(place[0]), round(place[1])))
    return tuple(colour)


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(("name", "count"), LISTS.items())
def test_every_thumbnail_loads(seen: Any, language: str, name: str, count: int) -> None:
    """Each row about a picture shows it, in the size that the file has."""
    sizes = [(each["width"], each["height"]) for each in seen[language][f"sandbox/{name}/"]["pictures"]]

    assert count == len(sizes)
    assert {(96, 96), (WIDTH, HEIGHT)} >= set(sizes)


def test_nothing_fails(seen: Any) -> None:
    """No address is refused, and no script breaks."""
    assert [] == seen["said"]


@pytest.mark.parametrize("page", ["sandbox/task/", "sandbox/task/{task}/change/"])
def test_shapes_lie_where_the_annotation_says(seen: Any, task: int, page: str) -> None:
    """In the list and on the page of one task, to half a pixel of the picture."""
    shown = next(each for each in seen["en"][page.format(task=task)]["pictures"] if each["width"] == WIDTH)
    image, scale = shown["image"], shown["image"]["width"] / WIDTH
    places = {
        each["kind"]: [
            (each["x"] - image["x"]) / scale, (each["y"] - image["y"]) / scale,
            each["width"] / scale, each["height"] / scale,
        ]
        for each in shown["shapes"]
    }  # fmt: skip

    assert pytest.approx(list(SIGN.values()), abs=0.5) == places["rect"]
    assert pytest.approx([150, 10, 40, 40], abs=0.5) == places["polygon"]


def test_box_encloses_what_the_picture_shows(seen: Any, task: int, folder: Path) -> None:
    """On the screen the red of the picture begins where the box does."""
    [shown] = seen["en"][f"sandbox/task/{task}/change/"]["pictures"]
    picture = Image.open(folder / f"en-sandbox-task-{task}-change-.png").convert("RGB")
    right, bottom = SIGN["x"] + SIGN["width"], SIGN["y"] + SIGN["height"]
    inside = [(32, 42), (right - 2, 42), (32, bottom - 2), (right - 2, bottom - 2)]
    outside = [(28, 38), (right + 2, 38), (28, bottom + 2), (right + 2, bottom + 2)]
    edge = pixel(picture, shown["image"], x=30, y=60)

    assert {RED} == {pixel(picture, shown["image"], x=x, y=y) for x, y in inside}
    assert {(0, 0, 0)} == {pixel(picture, shown["image"], x=x, y=y) for x, y in outside}
    assert edge not in (RED, (0, 0, 0))


@pytest.mark.parametrize("name", ["dataunit", "task"])
def test_units_are_named_by_their_file(seen: Any, name: str) -> None:
    """The stem stands in the list, not the number of the unit."""
    text = seen["ko"][f"sandbox/{name}/"]["text"]

    assert ("표지판_017" in text, "stop_001" in text, "day 1/" in text) == (True, True, False)


def test_language_can_be_switched(seen: Any) -> None:
    """The page stays, in the other language: from Korean to English, and back."""
    assert ["Change task", "작업 변경"] == seen["en"]["switched"]
    assert ["작업 변경", "Change task"] == seen["ko"]["switched"]
