"""DM schema v2: the form of exports, grouped by kind of medium and tool."""

from __future__ import annotations

import re

from collections.abc import Iterable, Mapping
from typing import Any, Final

from synapse.annotations.geometry import UNREADABLE, V2, v2_type
from synapse.annotations.labels import OtherAnnotation
from synapse.annotations.remainder import Remainder, broken, by_media
from synapse.annotations.shapes import VISIBILITIES, Box, Mask, Point
from synapse.annotations.v1 import visibility_of
from synapse.annotations.values import Annotation, Json, Origin, copy_json, geometry_changed, is_number, same
from synapse.errors import MappingError, describe, did_you_mean

WIRE: Final = "v2"
KINDS: Final = {f"{kind}s": kind for kind in ("image", "video", "pcd", "text", "audio", "prompt", "data")}
"""The lists of a document, and how their media are called."""


def read(document: object) -> tuple[tuple[Annotation, ...], Remainder]:
    """Read a document; its media are numbered in order, such as `image_1` for the first of its images."""
    if not isinstance(document, Mapping) or not any(key in document for key in ("classification", *KINDS)):
        raise MappingError(
            f"the annotations are no document of DM schema v2, which has 'classification': {describe(document)}"
        )
    kept = copy_json(dict(document))
    values: list[Annotation] = []
    for plural, kind in KINDS.items():
        for index, medium in enumerate(_list(kept.get(plural), plural)):
            path = f"{plural}[{index}]"
            for tool, items in _checked(medium, path).items():
                if isinstance(items, list):
                    media = f"{kind}_{index + 1}"
                    checked = [_checked(item, f"{path}.{tool}[{at}]") for at, item in enumerate(items)]
                    values += [_read_item(item, tool=tool, media=media) for item in checked]
                    medium[tool] = []
    return tuple(values), Remainder(WIRE, kept)


def write(values: tuple[Annotation, ...], remainder: Remainder | None) -> Json:
    """Write a document of these annotations, and of what is kept besides."""
    document: Json = (
        copy_json(remainder.document) if remainder and remainder.wire == WIRE else {"classification": {}}
    )
    grouped = by_media(values)
    places = {media: _split(media) for media in grouped}
    if not remainder or remainder.wire != WIRE:
        places = _places({*grouped, *(_empty_media(remainder) if remainder else ())})
    for media in sorted(places, key=_natural):
        plural, index = places[media]
        items = document.setdefault(plural, [])
        items += [{} for _ in range(index + 1 - len(items))]
        for value in grouped.get(media, []):
            items[index].setdefault(value.tool, []).append(_item(value))
    _name_classes(document, values)
    return document


def _list(given: object, path: str) -> list[Any]:
    if given is not None and not isinstance(given, list):
        raise broken(path, "list", given=given)
    return given or []


def _checked(given: Any, path: str) -> Json:
    if not isinstance(given, dict):
        raise broken(path, "object", given=given)
    result: Json = given
    return result


def _read_item(item: Json, *, tool: str, media: str | None) -> Annotation:
    kind = v2_type(tool, item.get("data"))
    key, name = item.get("id"), item.get("classification")
    common: Json = {
        "class_name": name if isinstance(name, str) and name.strip() else None,
        "media": media,
        "id": key if isinstance(key, str) else "",
        "_origin": Origin(WIRE, item),
    }
    attributes = _attributes(item)
    extra: Json = {}
    if kind is Point:
        found = visibility_of(item) or visibility_of(attributes)
        group = item.get("group_id")
        extra = {"visibility": found, "group": group if isinstance(group, str) and group.strip() else None}
        attributes = {name: value for name, value in attributes.items() if name != "visibility" or not found}
    elif kind is Box and is_number(attributes.get("rotation")):
        extra = {"rotation": attributes.pop("rotation")}
    try:
        return kind(**common, **extra, attributes=attributes, **V2[kind][0](item.get("data")))
    except (*UNREADABLE, MappingError):
        return OtherAnnotation(**common, attributes=_attributes(item), tool_name=tool, data=item.get("data"))


def _attributes(item: Json) -> Json:
    """Read the attributes; names that begin with an underscore belong to the tool."""
    found = item.get("attrs")
    pairs = [each for each in found if _is_attribute(each)] if isinstance(found, list) else []
    return {each["name"]: each.get("value") for each in pairs}


def _is_attribute(given: Any) -> bool:
    return (
        isinstance(given, dict) and isinstance(given.get("name"), str) and not given["name"].startswith("_")
    )


def _item(value: Annotation) -> Json:
    origin = value.origin
    before = None
    item: Json = {}
    if origin and origin.wire == WIRE:
        item = copy_json(origin.entry)
        before = _read_item(item, tool=value.tool, media=None)
    if value.id or not before:
        item["id"] = value.id
    if not before or before.class_name != value.class_name:
        item["classification"] = value.class_name or ""
    if not before or not _same_attributes(before, value):
        _put_attributes(item, value)
    if not before or geometry_changed(before, value):
        item["data"] = V2[type(value)][1](value)
        if isinstance(value, Mask):
            item |= {"encoding": "dm_rle", "isCompressed": True, "compressionFormat": "rle"}
    return item


def _same_attributes(before: Annotation, value: Annotation) -> bool:
    names = [*value.NO_GEOMETRY.intersection(("visibility", "group")), "attributes"]
    if isinstance(value, Box):
        names.append("rotation")
    return all(same(getattr(before, name, None), getattr(value, name)) for name in names)


def _put_attributes(item: Json, value: Annotation) -> None:
    """Write the attributes, behind those that belong to the tool, and what has a place of its own."""
    found = item.get("attrs")
    kept = [each for each in found if not _is_attribute(each)] if isinstance(found, list) else []
    rotation = {"rotation": value.rotation} if isinstance(value, Box) and value.rotation is not None else {}
    named = {**rotation, **value.attributes}
    item["attrs"] = [*kept, *({"name": name, "value": copy_json(each)} for name, each in named.items())]
    if isinstance(value, Point):
        for name, each in (("visibility", value.visibility), ("group_id", value.group)):
            item.pop(name, None)
            if each is not None:
                item[name] = (
                    VISIBILITIES.index(value.visibility)
                    if name == "visibility" and value.visibility
                    else each
                )


def _empty_media(remainder: Remainder) -> list[str]:
    """Give the media of a document of v1, also those without annotations: v2 has an empty place for each."""
    found = remainder.document.get("annotations")
    return [media for media in found or {} if media.startswith(tuple(KINDS.values()))]


def _places(names: Iterable[str]) -> dict[str, tuple[str, int]]:
    """Number the media of each kind, in the order of their names."""
    counts: dict[str, int] = {}
    places = {}
    for media in sorted(names, key=_natural):
        plural = _plural(media)
        places[media] = (plural, counts.get(plural, 0))
        counts[plural] = counts.get(plural, 0) + 1
    return places


def _split(media: str) -> tuple[str, int]:
    """Give the list and the place of a medium that is called as those of a document are."""
    plural = _plural(media)
    number = media.removeprefix(f"{KINDS[plural]}_")
    if not number.isdecimal() or int(number) < 1:
        raise MappingError(f"media {media!r} has no place in a document of DM schema v2, such as image_1")
    return plural, int(number) - 1


def _plural(media: str) -> str:
    for plural, kind in KINDS.items():
        if media.startswith(kind):
            return plural
    kinds = ", ".join(KINDS.values())
    raise MappingError(
        f"DM schema v2 has no place for media {media!r}{did_you_mean(media, KINDS.values())}: {kinds}"
    )


def _natural(media: str) -> list[tuple[int, int | str]]:
    parts = re.split(r"([0-9]+)", media)
    return [(1, int(part)) if part.isdecimal() else (0, part) for part in parts if part]


def _name_classes(document: Json, values: tuple[Annotation, ...]) -> None:
    """List the classes of each tool; those of annotations that are as they came are left to the document."""
    classes = document.get("classification")
    if not isinstance(classes, dict):
        return
    added: dict[str, set[str]] = {}
    for value in values:
        came = (
            value.origin.entry.get("classification") if value.origin and value.origin.wire == WIRE else None
        )
        if value.class_name is not None and value.class_name != came:
            added.setdefault(value.tool, set()).add(value.class_name)
    for tool in sorted(added):
        known = classes.get(tool)
        known = known if isinstance(known, list) else []
        classes[tool] = [*known, *sorted(added[tool].difference(known))]
