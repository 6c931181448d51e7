"""Hold annotations against DM schema v1: the form of a document, and the geometry of the tools that are known.

The form is the vendor's published model: every section may be missing, and unknown keys are let through. An annotation
whose data are missing is let through as well; data that are there must be what their tool draws.
"""

from __future__ import annotations

import sys

from collections.abc import Callable, Iterator
from typing import Any, Final

from .wording import say

MOST_FAULTS: Final = 20
FLAGS: Final = ("isLocked", "isVisible", "isValid", "isDrawCompleted")
# The texts that an item of each section must have; data without an id belong to no annotation, and may be there.
TEXTS: Final[dict[str, tuple[str, ...]]] = {
    "annotations": ("id", "tool"),
    "relations": ("id", "annotationId", "targetAnnotationId"),
    "annotationGroups": ("id",),
    "annotationsData": (),
}
Geometry = Callable[[dict[str, Any]], bool]


def faults_of(document: dict[str, Any]) -> list[str]:
    """Tell in what a document isn't of the schema, by path; the first twenty faults."""
    found = []
    for path, fault in _faults(document):
        found.append(f"{path}: {fault}")
        if len(found) == MOST_FAULTS:
            break
    return found


def _faults(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if not isinstance(document.get("extra") or {}, dict):
        yield "extra", say("Expected an object.")
    for name in TEXTS:
        for media, items in _media(document, name):
            path = f"{name}.{media}"
            if not isinstance(items, list):
                yield path, say("Expected a list.")
                continue
            for index, item in enumerate(items):
                yield from _item_faults(f"{path}[{index}]", item, texts=TEXTS[name])
        if not isinstance(document.get(name) or {}, dict):
            yield name, say("Expected an object.")
    yield from _geometry_faults(document)


def _media(document: dict[str, Any], name: str) -> list[tuple[str, Any]]:
    section = document.get(name)
    return list(section.items()) if isinstance(section, dict) else []


def _item_faults(path: str, item: Any, *, texts: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if not isinstance(item, dict):
        yield path, say("Expected an object.")
        return
    for name in texts:
        if not isinstance(item.get(name), str) or not item[name]:
            yield f"{path}.{name}", say("Expected text that is not empty.")
    for name in FLAGS:
        if not isinstance(item.get(name, False), bool):
            yield f"{path}.{name}", say("Must be a valid boolean.")
    if not isinstance(item.get("classification") or {}, dict):
        yield f"{path}.classification", say("Expected an object.")


def _geometry_faults(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Hold each item of data against the tool of its annotation."""
    data = dict(_media(document, "annotationsData"))
    for media, entries in _media(document, "annotations"):
        tools = {
            entry["id"]: entry.get("tool")
            for entry in (entries if isinstance(entries, list) else [])
            if isinstance(entry, dict) and isinstance(entry.get("id"), str)
        }
        items = data.get(media)
        for index, item in enumerate(items if isinstance(items, list) else []):
            key = item.get("id") if isinstance(item, dict) else None
            tool = tools.get(key) if isinstance(key, str) else None
            check = GEOMETRY.get(tool) if isinstance(tool, str) else None
            if check and not check(item):
                yield (
                    f"annotationsData.{media}[{index}]",
                    say("This is no geometry of the tool “%(name)s”.", name=tool),
                )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _numbers(value: Any, *names: str) -> bool:
    return isinstance(value, dict) and all(_number(value.get(name)) for name in names)


def _box(item: dict[str, Any]) -> bool:
    coordinate = item.get("coordinate")
    if not _numbers(coordinate, "x", "y", "width", "height"):
        return False
    return coordinate.get("rotation") is None or _number(coordinate["rotation"])


def _line(item: dict[str, Any]) -> bool:
    points = item.get("coordinate")
    return isinstance(points, list) and all(_numbers(point, "x", "y") for point in points)


def _segmentation(item: dict[str, Any]) -> bool:
    if "section" in item:
        section = item["section"]
        return _numbers(section, "start", "end") or _numbers(section, "startFrame", "endFrame")
    pixels = item.get("pixel_indices")
    return isinstance(pixels, list) and (all(map(_whole, pixels)) or all(map(_run, pixels)))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _run(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_whole, value)) and value[1] > 0


def _cuboid(item: dict[str, Any]) -> bool:
    psr = item.get("psr")
    if not isinstance(psr, dict):
        return False
    return all(_numbers(psr.get(name), "x", "y", "z") for name in ("position", "scale", "rotation"))


def _indices(item: dict[str, Any]) -> bool:
    points = item.get("points")
    return isinstance(points, list) and all(map(_whole, points))


GEOMETRY: Final[dict[str, Geometry]] = {
    "bounding_box": _box,
    "polygon": _line,
    "polyline": _line,
    "keypoint": lambda item: _numbers(item.get("coordinate"), "x", "y"),
    "segmentation": _segmentation,
    "3d_bounding_box": _cuboid,
    "3d_segmentation": _indices,
    "named_entity": lambda item: isinstance(item.get("ranges"), list),
    "time_range": lambda item: _numbers(item.get("section"), "start", "end"),
    "prompt": lambda item: isinstance(item.get("input"), list),
    "answer": lambda item: isinstance(item.get("output"), list),
}
