"""What notebooks show, in a real browser."""

from __future__ import annotations

import json
import re
import subprocess

from pathlib import Path
from typing import Any, Final

import pytest

from PIL import Image

from synapse import Box, Mask, Polygon, Task
from synapse.interop.notebook.drawing import colours_of
from tests.interop.own_env import ensure_browser
from tests.unit.interop.notebook.stage import backend, task_row

pytestmark = pytest.mark.full

HOSTILE: Final = "</title><script>alert('run')</script>"
SHAPES: Final = (
    Box("정", x=10, y=20, width=30, height=24, media="image_1"),
    Polygon("차", points=[(60, 10), (90, 10), (90, 40)], media="image_1"),
    Mask("길", runs=[(96 * 55, 96 * 5)], media="image_1"),
    Box(HOSTILE, x=50, y=44, width=8, height=8, media="image_1"),
)
COLOURS: Final = colours_of(each.class_name for each in SHAPES)
SCALE: Final = 5  # a picture of 96 pixels is shown 480 wide


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page with a task and a query, as a notebook in light or dark colours has them."""
    tasks = Task.objects.using(backend(task_row(*SHAPES, meta={"제목": HOSTILE}, status_label="stand_by")))
    head = "<!doctype html><meta charset='utf-8'><meta name='color-scheme' content='light dark'>"
    file = tmp_path_factory.mktemp("browser") / "page.html"
    shown = tasks.get(7)._repr_html_() + tasks.all()._repr_html_()
    file.write_text(head + shown, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def seen(page: Path) -> Any:
    """What Chromium sees."""
    python, chromium = ensure_browser()
    script = Path(__file__).with_name("look_at_page.py")
    command = [str(python), str(script), chromium, str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert 0 == done.returncode, done.stderr
    return json.loads(done.stdout)


def pixels(page: Path, scheme: str) -> Image.Image:
    """Open the picture of the page."""
    return Image.open(page.with_suffix(f".{scheme}.png")).convert("RGB")


def at(page: Path, seen: Any, *, x: float, y: float) -> tuple[int, ...]:
    """Give the colour where a pixel of the task's picture is shown."""
    corner = seen["light"]["svg"]
    place = round(corner["x"] + x * SCALE), round(corner["y"] + y * SCALE)
    colour: Any = pixels(page, "light").getpixel(place)
    return tuple(colour)


def far(first: tuple[int, ...], colour: str) -> int:
    """Tell how far a colour is from one in hexadecimal."""
    other = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return max(abs(one - two) for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [("정", 10, 32), ("정", 40, 32), ("정", 25, 20), ("정", 25, 44), ("차", 75, 10), ("차", 90, 25)],
)
def test_outlines_lie_where_they_should(page: Path, seen: Any, name: str, x: float, y: float) -> None:
    """The edges of a shape have the colour of its class."""
    assert far(at(page, seen, x=x, y=y), COLOURS[name]) < 60


@pytest.mark.parametrize(("x", "y"), [(5, 5), (50, 30), (62, 35), (48, 52)])
def test_the_rest_of_the_picture_is_as_it_was(page: Path, seen: Any, x: float, y: float) -> None:
    """Between the shapes it is black."""
    assert (0, 0, 0) == at(page, seen, x=x, y=y)


def test_masks_cover_what_they_should(page: Path, seen: Any) -> None:
    """Their rows are tinted from edge to edge, and those beside them aren't."""
    assert [False, True, True, False] == [
        at(page, seen, x=x, y=y) != (0, 0, 0) for x, y in ((2, 54), (2, 56), (94, 59), (94, 61))
    ]


def test_korean_classes_are_readable(page: Path, seen: Any) -> None:
    """Characters without a glyph would look like each other."""
    shown, images = pixels(page, "light"), set()
    words = {
        word["text"][:1]: word for word in seen["light"]["words"] if word["text"][:1] in ("정", "차", "길")
    }
    for word in words.values():
        left, top = round(word["x"]), round(word["y"])
        images.add(shown.crop((left, top, left + 12, top + round(word["height"]))).tobytes())

    assert (3, 3) == (len(words), len(images))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_fetched_or_run(seen: Any, scheme: str) -> None:
    """The page is its own file and what that holds."""
    fetched = [url for url in seen[scheme]["fetched"] if not url.startswith("data:")]

    assert (1, True, []) == (len(fetched), fetched[0].startswith("file:"), seen[scheme]["said"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_are_readable(page: Path, seen: Any, scheme: str) -> None:
    """Every text stands out from its ground by the ratio that WCAG asks for."""
    ground: Any = pixels(page, scheme).getpixel((999, 0))
    texts = [tuple(map(int, re.findall(r"\d+", colour)[:3])) for colour in seen[scheme]["colours"]]

    assert texts
    assert all(contrast(text, tuple(ground)) > 7 for text in texts), (texts, ground)


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    """Compute the ratio of contrast that WCAG defines."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: tuple[int, ...]) -> float:
    """Compute how bright a colour is."""
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
