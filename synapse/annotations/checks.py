"""What is checked before annotations are sent."""

from __future__ import annotations

import re

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, get_args

import attrs

from synapse.annotations.bounds import Outside, OutsideError, fit
from synapse.annotations.labels import Label, OtherAnnotation, Relation, Section, Span, TimeRange
from synapse.annotations.schema import LabelClass, Tool
from synapse.annotations.shapes import Box, Cuboid, Mask, Point, PointCloudMask, Polygon, Polyline
from synapse.annotations.values import Annotation
from synapse.errors import QueryError, describe, did_you_mean, quoted
from synapse.showing import lines_of

_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_KIND: Final = re.compile(r"[a-z]+")
_SHOWN: Final = 5
_DRAWN: Final = frozenset({"image", "video"})
_SUITED: Final[Mapping[type[Annotation], frozenset[str]]] = {
    **dict.fromkeys((Box, Polygon, Polyline, Point), _DRAWN),
    Mask: frozenset({"image"}),
    Section: frozenset({"video", "audio"}),
    TimeRange: frozenset({"data"}),
    Cuboid: frozenset({"pcd"}),
    PointCloudMask: frozenset({"pcd"}),
    Span: frozenset({"text"}),
}
"""The kinds of media that a class belongs to; one that is missing belongs to any."""


@attrs.frozen
class Medium:
    """A file of a data unit: `name` is its file specification, `width` and `height` are in pixels where known."""

    name: str
    kind: str = attrs.Factory(lambda self: kind_of(self.name), takes_self=True)
    is_primary: bool = attrs.field(default=False, kw_only=True)
    width: int | None = attrs.field(default=None, kw_only=True)
    height: int | None = attrs.field(default=None, kw_only=True)


def kind_of(media: str) -> str:
    """Tell the kind of a medium by its name, as the backend's editor does.

    >>> kind_of("image_1")
    'image'
    """
    found = _KIND.match(media)
    return found[0] if found else ""


class _RefusedError(ValueError):
    """Why an annotation can't be sent."""


def check(
    values: Iterable[Annotation],
    *,
    tools: Mapping[str, Tool],
    media: Sequence[Medium],
    outside: Outside = "refuse",
) -> tuple[Annotation, ...]:
    """Return the annotations ready to be sent to a task: each names its medium, and is clipped if `outside` says so.

    *tools* are those of the project, *media* the files of the unit; without tools, classes aren't checked. If some
    can't be sent, raises a `QueryError` that names the first five.
    """
    if outside not in get_args(Outside):
        raise QueryError(
            f"outside= takes one of {', '.join(get_args(Outside))}, got {describe(outside)}; nothing was sent"
        )
    given = tuple(values)
    checked: list[Annotation] = []
    problems: list[str] = []
    seen: set[str] = set()
    for index, value in enumerate(given):
        try:
            checked.append(_checked(value, tools=tools, media=media, outside=outside, seen=seen))
        except (_RefusedError, OutsideError) as error:
            problems.append(f"[{index}] {_named(value)} {error}")
    problems += _broken_relations(given, seen)
    if problems:
        told = lines_of(problems, count=len(problems), what="of them", most=_SHOWN)
        raise QueryError(
            f"{len(problems)} of {len(given)} annotations can't be sent; nothing was sent:\n{told}",
            code="wrong-annotation",
        )
    return tuple(checked)


def _broken_relations(given: tuple[Annotation, ...], ids: set[str]) -> list[str]:
    """Find relations that lead to no other annotation."""
    links = [
        (index, value, end)
        for index, value in enumerate(given)
        if isinstance(value, Relation)
        for end in (value.source, value.target)
    ]
    lost: dict[int, list[str]] = {}
    for index, _, end in links:
        if end not in ids:
            lost.setdefault(index, []).append(quoted(end))
    return [
        f"[{index}] {_named(given[index])} links to {' and '.join(ends)}, the id of none of these annotations"
        for index, ends in lost.items()
    ]


def _named(value: Annotation) -> str:
    name = "" if value.class_name is None else f" {quoted(value.class_name)}"
    return f"{type(value).__name__}{name}"


def _checked(
    value: Annotation,
    *,
    tools: Mapping[str, Tool],
    media: Sequence[Medium],
    outside: Outside,
    seen: set[str],
) -> Annotation:
    _check_id(value, seen)
    if "class" in value.attributes:
        raise _RefusedError(
            "has an attribute called 'class', which is where DM schema v1 keeps the class itself"
        )
    medium = _medium(value, media)
    # What came from the backend and can't be read here goes back as it came, whatever the project says by now.
    if tools and not (isinstance(value, OtherAnnotation) and value.origin):
        _check_class(value, tools)
    placed = value if value.media == medium.name else attrs.evolve(value, media=medium.name)
    return fitted(placed, width=medium.width, height=medium.height, outside=outside)


def fitted(value: Annotation, *, width: int | None, height: int | None, outside: Outside) -> Annotation:
    """Give a shape as it may lie in a picture of this size, where that is known; `ValueError` says why it may not."""
    _check_geometry(value)
    if not width or not height:
        own = (value.width, value.height) if isinstance(value, Mask) else (None, None)
        return fit(value, width=own[0], height=own[1], outside=outside) if own[0] and own[1] else value
    _check_size(value, width=width, height=height)
    placed = fit(value, width=width, height=height, outside=outside)
    return attrs.evolve(placed, width=width, height=height) if isinstance(placed, Mask) else placed


def _check_id(value: Annotation, seen: set[str]) -> None:
    if isinstance(value, OtherAnnotation) and not value.id:
        return  # one that came without an id goes without one
    if not _ID.fullmatch(value.id):
        raise _RefusedError(f"has the id {quoted(value.id)}; ids are letters, digits, - and _")
    if value.id in seen:
        raise _RefusedError(
            f"has the id {quoted(value.id)} of another one; each needs its own, and one that is left out is made"
        )
    seen.add(value.id)


def _medium(value: Annotation, media: Sequence[Medium]) -> Medium:
    """Find the medium: the one that is named, or the only one that suits."""
    names = [medium.name for medium in media]
    if not media:
        raise _RefusedError("has nothing to lie in: the data unit has no files")
    kinds = _SUITED.get(type(value))
    if value.media is None:
        suited = [medium for medium in media if medium.kind in kinds] if kinds else _main(media)
        chosen = suited if len(suited) == 1 else [medium for medium in suited if medium.is_primary]
        if len(chosen) != 1:
            which = [medium.name for medium in suited] or names
            raise _RefusedError(
                f"may lie in several files; say which: media={' or '.join(map(repr, which))}"
                if suited
                else f"belongs to {_listed(kinds)}, and the unit has {', '.join(names)}"
            )
        return chosen[0]
    for medium in media:
        if medium.name == value.media:
            if kinds and medium.kind in _KNOWN and medium.kind not in kinds:
                raise _RefusedError(f"belongs to {_listed(kinds)}, and {medium.name} is {medium.kind}")
            return medium
    hint = did_you_mean(value.media, names)
    raise _RefusedError(
        f"lies in {quoted(value.media)}, which the unit doesn't have{hint}. Files: {', '.join(names)}"
    )


_KNOWN: Final = frozenset({"image", "video", "pcd", "text", "audio", "prompt", "data"})


def _main(media: Sequence[Medium]) -> list[Medium]:
    """Leave out the files that say something about the others, where there are others."""
    return [medium for medium in media if medium.kind != "data"] or list(media)


def _listed(kinds: frozenset[str] | None) -> str:
    return " or ".join(sorted(kinds or ()))


def _check_class(value: Annotation, tools: Mapping[str, Tool]) -> None:
    tool = tools.get(value.tool)
    if tool is None:
        hint = did_you_mean(value.tool, tools)
        raise _RefusedError(
            f"is drawn by {value.tool or 'no tool'}, which the project doesn't have{hint}. Tools: {', '.join(tools)}"
        )
    if value.class_name is None or not tool.classes:
        return
    found = tool.find(value.class_name)
    if found is None:
        raise _RefusedError(_unknown_class(value.class_name, tool, tools))
    if found.attributes is not None:
        _check_attributes(value, found)


def _unknown_class(name: str, tool: Tool, tools: Mapping[str, Tool]) -> str:
    codes = [each.code for each in tool.classes]
    shown = next((each.code for each in tool.classes if each.name == name), None)
    elsewhere = [other.name for other in tools.values() if other.find(name)]
    if shown is not None:
        hint = f" ({name!r} is how people see {shown!r})"
    elif elsewhere:
        hint = f"; {', '.join(elsewhere)} has it"
    else:
        hint = did_you_mean(name, codes)
    return f"has a class that {tool.name} does not have{hint}. Classes: {', '.join(codes)}"


def _check_attributes(value: Annotation, declared: LabelClass) -> None:
    known = {each.name: each for each in declared.attributes or ()}
    for name, given in value.attributes.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise _RefusedError(
                f"has the attribute {quoted(name)}, which its class doesn't{hint}. "
                f"Attributes: {', '.join(known)}"
            )
        options = known[name].options
        for each in given if isinstance(given, list) else [given]:
            if options is not None and each is not None and each not in options:
                hint = did_you_mean(each, options) if isinstance(each, str) else ""
                raise _RefusedError(f"has the attribute {name}={each!r}{hint}. Options: {', '.join(options)}")


def _check_size(value: Annotation, *, width: int, height: int) -> None:
    """Refuse a mask of another picture: its pixels would lie elsewhere in this one."""
    if isinstance(value, Mask) and value.width and (value.width, value.height) != (width, height):
        raise _RefusedError(
            f"is of a picture of {value.width} × {value.height} pixels, and its picture has {width} × {height}"
        )


def _check_geometry(value: Annotation) -> None:
    """Refuse shapes that cover nothing."""
    fault = ""
    if isinstance(value, Box) and (value.width <= 0 or value.height <= 0):
        fault = f"is {value.width} wide and {value.height} high; both must be above 0"
    elif isinstance(value, Polygon) and len(set(value.points)) < 3:
        fault = f"has {len(set(value.points))} different points; three at least make a polygon"
    elif isinstance(value, Polyline) and len(value.points) < 2:
        fault = "has fewer than two points"
    elif isinstance(value, Mask | PointCloudMask) and not _covered(value):
        fault = "covers nothing"
    elif isinstance(value, Section | TimeRange) and value.end < value.start:
        fault = f"ends at {value.end}, before its start at {value.start}"
    elif isinstance(value, Cuboid) and min(value.scale) <= 0:
        fault = f"has the lengths {value.scale}; all must be above 0"
    elif isinstance(value, Label) and value.class_name is None and not value.attributes:
        fault = "says nothing: it has neither a class nor attributes"
    if fault:
        raise _RefusedError(fault)


def _covered(value: Any) -> Any:
    return value.runs if isinstance(value, Mask) else value.points
