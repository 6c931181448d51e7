"""Groups of annotations in DM schema v1: lists of ids under a group's id."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Any

from synapse.annotations.shapes import Point
from synapse.annotations.values import Annotation, Json


def membership(document: Json, media: str) -> dict[str, str]:
    """Map the ids of annotations to the group that names them; the first one counts."""
    found: dict[str, str] = {}
    for group in _groups(document, media):
        for key in group["annotationIds"]:
            if isinstance(key, str):
                found.setdefault(key, group["id"])
    return found


def write(document: Json, media: str, *, values: Iterable[Annotation], gone: Set[str]) -> None:
    """Bring the groups of a medium to what its points say, and take out what is `gone`, and nothing else."""
    before = membership(document, media)
    points = [value for value in values if isinstance(value, Point) and value.id]
    moved = {point.id for point in points if before.get(point.id) != point.group}
    for group in _groups(document, media):
        kept = [key for key in group["annotationIds"] if not isinstance(key, str) or key not in gone | moved]
        group["annotationIds"] = kept
    for point in points:
        if point.id in moved and point.group is not None:
            _group(document, media, point.group)["annotationIds"].append(point.id)


def _groups(document: Json, media: str) -> list[Json]:
    """Give the groups that are in the known form; others are kept as they are."""
    section = document.get("annotationGroups")
    found = section.get(media) if isinstance(section, dict) else None
    return [group for group in found if _is_known(group)] if isinstance(found, list) else []


def _is_known(group: Any) -> bool:
    known = isinstance(group, dict) and isinstance(group.get("id"), str)
    return known and isinstance(group.get("annotationIds"), list)


def _group(document: Json, media: str, key: str) -> Json:
    for group in _groups(document, media):
        if group["id"] == key:
            return group
    made: Json = {"id": key, "annotationIds": []}
    section = document.get("annotationGroups")
    if not isinstance(section, dict):
        section = document["annotationGroups"] = {}
    if not isinstance(section.get(media), list):
        section[media] = []
    section[media].append(made)
    return made
