"""Show the pictures of a unit in the admin pages, and over them the shapes that were drawn."""

from __future__ import annotations

import math
import zlib

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from django.conf import settings
from django.db.models import Model, prefetch_related_objects
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from . import models, objects
from .dmschema import GEOMETRY
from .representation import Context

# Where the unit stands that a row of a table is about.
UNIT_AT: Final[dict[type[Model], str]] = {
    models.DataUnit: "",
    models.Task: "data_unit",
    models.Assignment: "task__data_unit",
    models.GroundTruth: "data_unit",
    models.GroundTruthEvent: "data_unit",
}
SHOWN: Final = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".avif")
COLOURS: Final = ("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#00a0a0", "#f032e6", "#9a6324")
MOST_SHAPES: Final = 500


def load(table: type[Model], rows: Sequence[Any]) -> None:
    """Read for all *rows* at once what their pictures and the names of their units need."""
    paths = [f"{UNIT_AT[table]}__files__{each}".lstrip("_") for each in ("specification", "data_file")]
    prefetch_related_objects(rows, *paths)


def of_row(row: Any, *, large: bool = False) -> SafeString:
    """Show what the unit of a row looks like, with the shapes of the row's own data: one picture, or all of them."""
    unit = row
    for step in filter(None, UNIT_AT[type(row)].split("__")):
        unit = getattr(unit, step)
    files = [each for each in unit.ordered_files() if is_picture(each.data_file.file.name)] if unit else []
    data = getattr(row, "data", None)
    shown = [
        _figure(each.data_file, shapes(data, each.specification.name), name=each.path_original, large=large)
        for each in files[: None if large else 1]
    ]
    return format_html_join("", "{}", ((each,) for each in shown))


def of_file(file: models.DataFile, *, large: bool = False) -> SafeString:
    """Show a file that is a picture."""
    return _figure(file, [], name=file.file.name, large=large) if is_picture(file.file.name) else SafeString()


def is_picture(name: str | None) -> bool:
    """Tell whether browsers show a file of this name; one in a bucket, only if that bucket is there this time."""
    if name is None or (name.startswith(objects.MARK) and settings.SANDBOX_BUCKET is None):
        return False
    return PurePosixPath(name).suffix.lower() in SHOWN


def _figure(
    file: models.DataFile, drawn: list[tuple[str, SafeString]], *, name: str, large: bool
) -> SafeString:
    """Lay the shapes over the picture; the script beside these pages scales them once the picture's size is known."""
    svg = format_html(
        '<svg preserveAspectRatio="none">{}</svg>', format_html_join("", "{}", ((s,) for _, s in drawn))
    )
    return format_html(
        '<span class="picture {}"><a href="{}"><img src="{}" alt="{}" loading="lazy">{}</a></span>{}',
        "large" if large else "small",
        *[Context("").url(str(file.file.name))] * 2,
        PurePosixPath(name).name,
        svg,
        _legend([each for each, _ in drawn]) if large else "",
    )


def _legend(names: list[str]) -> SafeString:
    items = format_html_join(
        "",
        '<li><span style="background:{}"></span>{} ×{}</li>',
        ((colour_of(name), name, count) for name, count in Counter(names).most_common()),
    )
    return format_html('<ul class="classes">{}</ul>', items)


def colour_of(name: str) -> str:
    """Return the colour of a class, the same one wherever it occurs."""
    return COLOURS[zlib.crc32(name.encode("utf-8", "replace")) % len(COLOURS)]


def shapes(data: Any, media: str) -> list[tuple[str, SafeString]]:
    """Draw what *data*, a document of DM schema v1, has on one file: the class and the shape of each annotation."""
    items, drawn = _by_id(data, "annotationsData", media), []
    for key, entry in _by_id(data, "annotations", media).items():
        tool, item = entry.get("tool"), items.get(key)
        draw = DRAWN.get(tool) if isinstance(tool, str) else None
        if draw is None or item is None or not GEOMETRY[str(tool)](item):
            continue
        name = _class_of(entry) or str(tool)
        look = format_html('stroke="{}"><title>{}</title>', colour_of(name), name)
        drawn.append((name, format_html(*draw(item, look))))
    return drawn[:MOST_SHAPES]


def _by_id(data: Any, section: str, media: str) -> dict[str, dict[str, Any]]:
    """Map the items that a section has for a file; what the tasks of another schema hold is none."""
    found = data.get(section) if isinstance(data, dict) else None
    items = found.get(media) if isinstance(found, dict) else None
    listed = items if isinstance(items, list) else []
    return {each["id"]: each for each in listed if isinstance(each, dict) and isinstance(each.get("id"), str)}


def _class_of(entry: dict[str, Any]) -> str | None:
    labelled = entry.get("classification")
    name = labelled.get("class") if isinstance(labelled, dict) else None
    return name if isinstance(name, str) else None


def _box(item: dict[str, Any], look: SafeString) -> tuple[Any, ...]:
    at = item["coordinate"]
    x, y, width, height = (at[name] for name in ("x", "y", "width", "height"))
    turn = f"rotate({math.degrees(at.get('rotation') or 0)} {x + width / 2} {y + height / 2})"
    text = '<rect x="{}" y="{}" width="{}" height="{}" transform="{}" {}</rect>'
    return text, x, y, width, height, turn, look


def _point(item: dict[str, Any], look: SafeString) -> tuple[Any, ...]:
    # A line of no length with round ends is a dot of the same size whatever the picture's is.
    at = item["coordinate"]
    return '<path class="point" d="M{} {}h0" {}</path>', at["x"], at["y"], look


def _line(name: str) -> Callable[[dict[str, Any], SafeString], tuple[Any, ...]]:
    def draw(item: dict[str, Any], look: SafeString) -> tuple[Any, ...]:
        points = " ".join(f"{each['x']},{each['y']}" for each in item["coordinate"])
        return f'<{name} points="{{}}" {{}}</{name}>', points, look

    return draw


DRAWN: Final[dict[str, Callable[[dict[str, Any], SafeString], tuple[Any, ...]]]] = {
    "bounding_box": _box,
    "keypoint": _point,
    "polygon": _line("polygon"),
    "polyline": _line("polyline"),
}
