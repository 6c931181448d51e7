"""DM schema v1: the form in which tasks, assignments and ground truths hold their annotations."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any, Final, cast

from synapse.annotations import groups
from synapse.annotations.geometry import UNREADABLE, V1, v1_type
from synapse.annotations.labels import OtherAnnotation
from synapse.annotations.remainder import Remainder, Slotted, broken, by_media
from synapse.annotations.shapes import VISIBILITIES, Mask, Point
from synapse.annotations.values import Annotation, Json, Origin, copy_json, geometry_changed, same
from synapse.errors import MappingError, describe

WIRE: Final = "v1"
KEYS: Final = ("annotations", "annotationsData", "extra", "relations", "annotationGroups", "assignmentId")
_FRESH_ENTRY: Final = {
    "isLocked": False,
    "isVisible": True,
    "isValid": False,
    "isDrawCompleted": True,
    "label": [],
}


def read(document: object, *, owned: bool = False) -> tuple[tuple[Annotation, ...], Remainder]:
    """Read a document; what it holds besides annotations is kept.

    An *owned* one is not copied: the caller leaves it as it is from now on.
    """
    if not isinstance(document, Mapping) or not any(key in document for key in KEYS):
        raise MappingError(
            f"the annotations are no document of DM schema v1, which has {KEYS[0]!r}: {describe(document)}; "
            "read the raw data instead"
        )
    # `task.data` may be edited in place after its annotations were read.
    kept = dict(document) if owned else copy_json(dict(document))
    entries, data = (_lists(kept, name) for name in KEYS[:2])
    values: list[Annotation] = []
    orphans: dict[str, list[Slotted]] = {media: list(enumerate(items)) for media, items in data.items()}
    for media, found in entries.items():
        paired = _pair(found, orphans.get(media, []))
        joined = groups.membership(kept, media)
        size = _size(kept, media)
        for entry, slotted in zip(found, paired, strict=True):
            slot, item = slotted or (None, None)
            origin = Origin(WIRE, entry, item, slot)
            values.append(_read_item(origin, media=media, joined=joined, size=size))
    ids = frozenset(value.id for value in values)
    return tuple(values), Remainder(WIRE, _emptied(kept), orphans, ids)


def write(values: tuple[Annotation, ...], remainder: Remainder | None) -> Json:
    """Write a document of these annotations, and of what is kept besides."""
    kept = remainder if remainder and remainder.wire == WIRE else None
    document: Json = copy_json(kept.document) if kept else {**{key: {} for key in KEYS}, "assignmentId": None}
    grouped = by_media(values)
    for media in grouped:
        if not isinstance((document.get(KEYS[0]) or {}).get(media), list):
            _prepare(document, media)
    orphans = kept.orphans if kept else {}
    gone = kept.ids - {value.id for value in values} if kept else frozenset()
    # Also the media that nothing lies in any more: their orphans stay, and their groups lose what is gone.
    for media in {**grouped, **orphans, **(document.get(KEYS[0]) or {})}:
        here = grouped.get(media, [])
        written = [(value, _before(value)) for value in here]
        # The two lists of a medium are in different orders where somebody edited; each keeps its own.
        slotted = [*orphans.get(media, []), *(each for pair in written if (each := _data(*pair)))]
        _put(document, "annotations", media, [_entry(*pair) for pair in written])
        _put(document, "annotationsData", media, [copy_json(item) for _, item in sorted(slotted, key=_slot)])
        groups.write(document, media, values=here, gone=gone)
        _put_size(document, media, here)
    return document


def _lists(document: Json, name: str) -> dict[str, list[Json]]:
    """Check the lists of a section: one of objects for each medium."""
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise broken(name, "object of media", given=section)
    found = {media: items for media, items in section.items() if items is not None}
    for media, items in found.items():
        if not isinstance(items, list):
            raise broken(f"{name}[{media!r}]", "list", given=items)
        for index, item in enumerate(items):
            if not isinstance(item, dict):
                raise broken(f"{name}[{media!r}][{index}]", "object", given=item)
    return found


def _pair(entries: list[Json], data: list[Slotted]) -> list[Slotted | None]:
    """Take for each entry its item out of the data, by id; of several of one id the first goes with the first."""
    # Editors have written two annotations of one id; joined by a dict, the second one would lose its geometry.
    waiting: dict[str, deque[Slotted]] = defaultdict(deque)
    for slotted in data:
        if isinstance(key := slotted[1].get("id"), str):
            waiting[key].append(slotted)
    keys = [entry.get("id") for entry in entries]
    paired = [waiting[key].popleft() if isinstance(key, str) and waiting[key] else None for key in keys]
    taken = {slotted[0] for slotted in paired if slotted}
    data[:] = [slotted for slotted in data if slotted[0] not in taken]
    return paired


def _size(document: Json, media: str) -> tuple[Any, Any]:
    extra = document.get("extra")
    kept = extra.get(media) if isinstance(extra, dict) else None
    size = (kept.get("width"), kept.get("height")) if isinstance(kept, dict) else (None, None)
    return size if all(type(each) is int and each > 0 for each in size) else (None, None)


def _read_item(
    origin: Origin,
    *,
    media: str | None,
    joined: Mapping[str, str] | None = None,
    size: tuple[Any, Any] = (None, None),
) -> Annotation:
    entry, data = origin.entry, origin.data
    tool, key = ((found if isinstance(found := entry.get(name), str) else "") for name in ("tool", "id"))
    kind = v1_type(tool, data or {})
    class_name, attributes = _classification(entry)
    common: Json = {"class_name": class_name, "media": media, "id": key, "_origin": origin}
    extra: Json = {}
    if kind is Point:
        found = visibility_of(attributes)
        # Visibility that is neither a known word nor a number stays among the attributes.
        extra = {"visibility": found, "group": (joined or {}).get(key)}
        attributes = {name: item for name, item in attributes.items() if name != "visibility" or not found}
    elif kind is Mask:
        extra = dict(zip(("width", "height"), size, strict=True))
    try:
        return kind(**common, **extra, attributes=attributes, **V1[kind][0](data or {}))
    except (*UNREADABLE, MappingError):
        # A box without a height, say: one that can't be read must not hide the others, and goes back as it came.
        fields = V1[OtherAnnotation][0](data or {})
        return OtherAnnotation(**common, attributes=_classification(entry)[1], tool_name=tool, **fields)


def visibility_of(attributes: Mapping[str, Any]) -> str | None:
    """Read the visibility of a point, given by name or by number; None where it is neither."""
    found = attributes.get("visibility")
    if type(found) is int and 0 <= found < len(VISIBILITIES):
        return VISIBILITIES[found]
    return found if found in VISIBILITIES else None


def _classification(entry: Json) -> tuple[str | None, Json]:
    found = entry.get("classification")
    if not isinstance(found, dict):
        return None, {}
    name = found.get("class")
    attributes = {key: item for key, item in found.items() if key != "class"}
    return (name if isinstance(name, str) and name.strip() else None), attributes


def _before(value: Annotation) -> Annotation | None:
    """Read what an annotation came as, to tell what was changed since."""
    origin = value.origin
    return _read_item(origin, media=None) if origin and origin.wire == WIRE else None


def _entry(value: Annotation, before: Annotation | None) -> Json:
    """Write the item of `annotations`."""
    entry: Json = copy_json(cast("Origin", value.origin).entry) if before else copy_json(_FRESH_ENTRY)
    # One that came without an id, or without a tool, goes without.
    if value.id:
        entry["id"] = value.id
    if value.tool:
        entry["tool"] = value.tool
    if before is None or not _same_class(before, value):
        attributes = dict(value.attributes)
        if isinstance(value, Point) and value.visibility:
            attributes["visibility"] = value.visibility
        named = {"class": value.class_name} if value.class_name is not None else {}
        entry["classification"] = copy_json({**named, **attributes, **named}) or None
    return entry


def _same_class(before: Annotation, value: Annotation) -> bool:
    names = ("class_name", "attributes", *(("visibility",) if isinstance(value, Point) else ()))
    return all(same(getattr(before, name, None), getattr(value, name)) for name in names)


def _data(value: Annotation, before: Annotation | None) -> Slotted | None:
    """Write the item of `annotationsData`, with its place in that list; None where there was none."""
    origin = value.origin
    # What was not changed is sent as it came: masks as plain indices, points with their ids, a missing rotation.
    if before and origin and not geometry_changed(before, value):
        return None if origin.data is None else (origin.slot or 0, {**origin.data, "id": value.id})
    data: Json = copy_json(origin.data or {}) if before and origin else {}
    V1[type(value)][1](value, data)
    return (_LAST if not before or not origin or origin.slot is None else origin.slot), {
        **data,
        "id": value.id,
    }


_LAST: Final = 1 << 62


def _slot(slotted: Slotted) -> int:
    return slotted[0]


def _emptied(document: Json) -> Json:
    for name in KEYS[:2]:
        if isinstance(section := document.get(name), dict):
            document[name] = {media: None if items is None else [] for media, items in section.items()}
    return document


def _put(document: Json, name: str, media: str, items: list[Any]) -> None:
    """Put a list in its place; a medium that had none, and gets none, stays without."""
    if items or (isinstance(document.get(name), dict) and document[name].get(media)):
        if not isinstance(document.get(name), dict):
            document[name] = {}
        document[name][media] = items


def _put_size(document: Json, media: str, values: list[Annotation]) -> None:
    """Write the size of a picture, without which the pixels of a mask have no place."""
    sizes = [
        (each.width, each.height) for each in values if isinstance(each, Mask) and each.width and each.height
    ]
    if sizes and _size(document, media) == (None, None):
        extra = document.setdefault("extra", {})
        if isinstance(extra, dict) and isinstance(extra.setdefault(media, {}), dict):
            extra[media] |= {"width": sizes[0][0], "height": sizes[0][1]}


def _prepare(document: Json, media: str) -> None:
    """Make the places that the editor expects for a medium that the document didn't have."""
    for name in KEYS[:5]:
        section = document.setdefault(name, {})
        if isinstance(section, dict):
            section.setdefault(media, {} if name == "extra" else [])
