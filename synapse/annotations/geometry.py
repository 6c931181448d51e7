"""The geometry of each tool as DM schema v1 and v2 write it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from typing import Any, Final

from synapse.annotations.labels import (
    Answer,
    Label,
    OtherAnnotation,
    Prompt,
    Relation,
    Section,
    Span,
    TimeRange,
)
from synapse.annotations.shapes import (
    Box,
    Cuboid,
    Mask,
    Point,
    PointCloudMask,
    Polygon,
    Polyline,
    runs_of,
)
from synapse.annotations.values import Annotation, Json, new_id

Fields = dict[str, Any]
_AXES: Final = ("x", "y", "z")
_FRAMES: Final = ("startFrame", "endFrame")
_SECONDS: Final = ("start", "end")
UNREADABLE: Final = (LookupError, TypeError, ValueError, AttributeError)
"""What reading a geometry raises that isn't in the form of its tool."""


def v1_type(tool: str, data: Json) -> type[Annotation]:
    """Choose the class for an item of v1: video and audio share the name of their tool with masks."""
    if tool == "segmentation":
        return Section if "section" in data else Mask
    return TYPES.get(tool, OtherAnnotation)


def v2_type(tool: str, data: object) -> type[Annotation]:
    """Choose the class for an item of v2."""
    if tool == "segmentation":
        return Section if isinstance(data, dict) else Mask
    return TYPES.get(tool, OtherAnnotation)


def _box(data: Json) -> Fields:
    coordinate = data["coordinate"]
    names = ("x", "y", "width", "height")
    return {**{name: coordinate[name] for name in names}, "rotation": coordinate.get("rotation")}


def _to_box(value: Any, data: Json) -> None:
    coordinate = _inner(data, "coordinate")
    coordinate |= {"x": value.x, "y": value.y, "width": value.width, "height": value.height}
    coordinate.pop("rotation", None)
    if value.rotation is not None:
        coordinate["rotation"] = value.rotation


def _line(data: Json) -> Fields:
    return {"points": [(point["x"], point["y"]) for point in data["coordinate"]]}


def _to_line(value: Any, data: Json) -> None:
    """Write points; one that has not moved keeps its id."""
    came = data.get("coordinate") or []
    points = [{"x": x, "y": y} for x, y in value.points]
    pairs = list(zip_longest(points, came[: len(points)] if isinstance(came, list) else []))
    kept = [old if isinstance(old, dict) and old | new == old else None for new, old in pairs]
    data["coordinate"] = [old or {**new, "id": new_id()} for old, new in zip(kept, points, strict=True)]


def _point(data: Json) -> Fields:
    return {"x": data["coordinate"]["x"], "y": data["coordinate"]["y"]}


def _to_point(value: Any, data: Json) -> None:
    _inner(data, "coordinate").update(x=value.x, y=value.y)


def _mask(data: Json) -> Fields:
    return {"runs": read_runs(data["pixel_indices"])}


def read_runs(pixels: list[Any]) -> list[Any]:
    """Give the runs of a mask that is written as pixel indices, or as (start, length) already."""
    if all(type(each) is int for each in pixels):
        return list(runs_of(sorted(set(pixels))))
    return sorted(tuple(each) for each in pixels)


def _to_mask(value: Any, data: Json) -> None:
    data |= {
        "pixel_indices": [list(run) for run in value.runs],
        "isCompressed": True,
        "compressionFormat": "rle",
    }


def _section(data: Json) -> Fields:
    section = data["section"]
    start, end = _FRAMES if "startFrame" in section else _SECONDS
    return {"start": section[start], "end": section[end]}


def _to_section(value: Any, data: Json) -> None:
    start, end = _section_keys(value)
    _inner(data, "section").update({start: value.start, end: value.end})


def _section_keys(value: Annotation) -> tuple[str, str]:
    came = value.origin and ((value.origin.data or {}).get("section") or value.origin.entry.get("data"))
    if isinstance(came, dict) and ("startFrame" in came or "start" in came):
        return _FRAMES if "startFrame" in came else _SECONDS
    return _FRAMES if str(value.media).startswith("video") else _SECONDS


def _time_range(data: Json) -> Fields:
    section = data["section"]
    tracks = data.get("excludedTracks") or ()
    return {"start": section["start"], "end": section["end"], "excluded_tracks": tracks}


def _to_time_range(value: Any, data: Json) -> None:
    _inner(data, "section").update(start=value.start, end=value.end)
    data.pop("excludedTracks", None)
    if value.excluded_tracks:
        data["excludedTracks"] = list(value.excluded_tracks)


def _cuboid(data: Json) -> Fields:
    return _psr(data["psr"])


def _psr(psr: Json) -> Fields:
    rotation: Json = psr.get("rotation") or dict.fromkeys(_AXES, 0)
    axes = ("w", *_AXES) if "w" in rotation else _AXES
    fields = {name: tuple(psr[name][axis] for axis in _AXES) for name in ("position", "scale")}
    return {**fields, "rotation": tuple(rotation[axis] for axis in axes)}


def _written_psr(value: Any) -> Json:
    axes = ("w", *_AXES) if len(value.rotation) == 4 else _AXES
    return {
        "position": dict(zip(_AXES, value.position, strict=True)),
        "scale": dict(zip(_AXES, value.scale, strict=True)),
        "rotation": dict(zip(axes, value.rotation, strict=True)),
    }


def _to_cuboid(value: Any, data: Json) -> None:
    _inner(data, "psr").update(_written_psr(value))


def _to_cloud(value: Any, data: Json) -> None:
    data["points"] = list(value.points)


def _span(data: Json) -> Fields:
    return {"ranges": data["ranges"], "content": data.get("content", "")}


def _to_span(value: Any, data: Json) -> None:
    data |= {"ranges": list(value.ranges), "content": value.content}


def _relation(data: Json) -> Fields:
    return {"source": data["annotationId"], "target": data["targetAnnotationId"]}


def _to_relation(value: Any, data: Json) -> None:
    data |= {"annotationId": value.source, "targetAnnotationId": value.target}


def _parts(name: str) -> Callable[[Json], Fields]:
    def read(data: Json) -> Fields:
        details = {key: item for key, item in data.items() if key not in ("id", "tool", name)}
        return {name: data[name], "details": details}

    return read


def _to_parts(name: str) -> Callable[[Any, Json], None]:
    def write(value: Any, data: Json) -> None:
        data.clear()
        data |= {"tool": value.tool, **value.details, name: list(getattr(value, name))}

    return write


def _other(data: Json) -> Fields:
    return {"data": {key: item for key, item in data.items() if key != "id"}}


def _to_other(value: Any, data: Json) -> None:
    data.clear()
    data |= value.data if isinstance(value.data, dict) else {"data": value.data}


def _nothing(*_: Any) -> Fields:
    return {}


def _inner(data: Json, name: str) -> Json:
    """Give the object under a name, made where it is missing."""
    if not isinstance(data.get(name), dict):
        data[name] = {}
    inner: Json = data[name]
    return inner


V1: Final[dict[type[Annotation], tuple[Callable[[Json], Fields], Callable[[Any, Json], object]]]] = {
    Box: (_box, _to_box),
    Polygon: (_line, _to_line),
    Polyline: (_line, _to_line),
    Point: (_point, _to_point),
    Mask: (_mask, _to_mask),
    Section: (_section, _to_section),
    TimeRange: (_time_range, _to_time_range),
    Cuboid: (_cuboid, _to_cuboid),
    PointCloudMask: (lambda data: {"points": data["points"]}, _to_cloud),
    Span: (_span, _to_span),
    Relation: (_relation, _to_relation),
    Prompt: (_parts("input"), _to_parts("input")),
    Answer: (_parts("output"), _to_parts("output")),
    Label: (_nothing, _nothing),
    OtherAnnotation: (_other, _to_other),
}
"""For each class: how its item of `annotationsData` is read as fields, and written into."""

TYPES: Final[dict[str, type[Annotation]]] = {
    kind.TOOL: kind for kind in V1 if kind.TOOL and kind is not Section
}


def _v2_section(data: Any) -> Fields:
    return _section({"section": data})


def _to_v2_section(value: Any) -> Json:
    return dict(zip(_section_keys(value), (value.start, value.end), strict=True))


def _v2_time_range(data: Any) -> Fields:
    return _time_range({"section": data, "excludedTracks": data.get("excludedTracks")})


def _to_v2_time_range(value: Any) -> Json:
    tracks = {"excludedTracks": list(value.excluded_tracks)} if value.excluded_tracks else {}
    return {"start": value.start, "end": value.end, **tracks}


def _v2_box(data: Any) -> Fields:
    return dict(zip(("x", "y", "width", "height"), data, strict=True))


V2: Final[dict[type[Annotation], tuple[Callable[[Any], Fields], Callable[[Any], Any]]]] = {
    Box: (_v2_box, lambda value: [value.x, value.y, value.width, value.height]),
    Polygon: (lambda data: {"points": data}, lambda value: [list(point) for point in value.points]),
    Polyline: (lambda data: {"points": data}, lambda value: [list(point) for point in value.points]),
    Point: (lambda data: dict(zip("xy", data, strict=True)), lambda value: [value.x, value.y]),
    Mask: (lambda data: {"runs": read_runs(data)}, lambda value: [list(run) for run in value.runs]),
    Section: (_v2_section, _to_v2_section),
    TimeRange: (_v2_time_range, _to_v2_time_range),
    Cuboid: (_psr, _written_psr),
    PointCloudMask: (lambda data: {"points": data["points"]}, lambda value: {"points": list(value.points)}),
    Span: (_span, lambda value: {"ranges": list(value.ranges), "content": value.content}),
    Relation: (
        lambda data: dict(zip(("source", "target"), data, strict=True)),
        lambda value: [value.source, value.target],
    ),
    Prompt: (_parts("input"), lambda value: {**value.details, "input": list(value.input)}),
    Answer: (_parts("output"), lambda value: {**value.details, "output": list(value.output)}),
    Label: (_nothing, _nothing),
    OtherAnnotation: (lambda data: {"data": data}, lambda value: value.data),
}
"""For each class: how the `data` of its item is read as fields, and made."""
