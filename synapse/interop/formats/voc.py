"""Pascal VOC: one XML file for each picture, with upright boxes in whole pixels; masks are pictures beside it."""

from __future__ import annotations

import math

from collections.abc import Iterable, Mapping
from typing import Final
from xml.etree import ElementTree

import attrs

from synapse.annotations import Annotation, Box, Mask, Polygon
from synapse.errors import MappingError
from synapse.interop.formats.geometry import bounds_of, mask_fault
from synapse.interop.formats.problems import Problem, failed, lossy, skipped
from synapse.interop.formats.voc_masks import MOST

_EDGES: Final = ("xmin", "ymin", "xmax", "ymax")
_FLAGS: Final = ("truncated", "difficult", "occluded")


@attrs.frozen(kw_only=True)
class Written:
    """One picture as VOC has it: its XML, its masks by the number of their object, and what did not go as it is."""

    text: str
    masks: Mapping[int, Mask]
    problems: list[Problem]


def write(values: Iterable[Annotation], *, file_name: str, width: int, height: int) -> Written:
    """Write the XML of one picture, whose size is in pixels."""
    root = ElementTree.Element("annotation")
    _add(root, "filename", _text(file_name))
    size = ElementTree.SubElement(root, "size")
    for name, number in (("width", width), ("height", height), ("depth", 3)):
        _add(size, name, str(number))
    segmented = ElementTree.SubElement(root, "segmented")
    problems: list[Problem] = []
    masks: dict[int, Mask] = {}
    count = 0
    for value in values:
        if fault := _fault(value, width=width, height=height):
            problems.append(skipped(value, fault))
            continue
        edges, lost = _edges(value, width=width, height=height, is_painted=count < MOST)
        if edges is None:
            problems.append(skipped(value, "it covers no whole pixel of its picture"))
            continue
        problems += [lossy(value, lost)] if lost else []
        _add_object(root, str(value.class_name), edges)
        count += 1
        if isinstance(value, Mask) and count <= MOST:
            masks[count] = value
    segmented.text = str(int(bool(masks)))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode") + "\n"
    return Written(text=text, masks=masks, problems=problems)


def _fault(value: Annotation, *, width: int, height: int) -> str:
    if not isinstance(value, Box | Polygon | Mask):
        return f"VOC has no {type(value).__name__}; dm_v2 and jsonl hold it"
    if value.class_name is None:
        return "it has no class"
    if _text(value.class_name) != value.class_name:
        return "XML can't hold the characters of its class"
    return mask_fault(value, width=width, height=height) if isinstance(value, Mask) else ""


def _edges(
    value: Annotation, *, width: int, height: int, is_painted: bool
) -> tuple[tuple[int, ...] | None, str]:
    """Give left, top, right and bottom in whole pixels inside the picture, and what is lost by that."""
    if isinstance(value, Mask):
        value = attrs.evolve(value, width=width, height=height)
    x, y, wide, high = bounds_of(value) or (0, 0, 0, 0)
    exact = (x, y, x + wide, y + high)
    edges = tuple(
        min(max(math.floor(each + 0.5), 0), limit)
        for each, limit in zip(exact, (width, height) * 2, strict=True)
    )
    lost = (
        []
        if isinstance(value, Box) or (is_painted and isinstance(value, Mask))
        else [f"the shape of the {type(value).__name__}; the box around it is written"]
    )
    lost += (
        ["its rotation; the upright box around it is written"]
        if isinstance(value, Box) and value.rotation
        else []
    )
    lost += ["parts of pixels, or what lies outside its picture"] if edges != exact else []
    lost += ["its attributes"] if value.attributes else []
    whole = edges if edges[0] < edges[2] and edges[1] < edges[3] else None
    return whole, "; ".join(lost)


def _add_object(root: ElementTree.Element, name: str, edges: tuple[int, ...]) -> None:
    made = ElementTree.SubElement(root, "object")
    for key, text in (("name", name), ("pose", "Unspecified"), ("truncated", "0"), ("difficult", "0")):
        _add(made, key, text)
    box = ElementTree.SubElement(made, "bndbox")
    for key, number in zip(_EDGES, edges, strict=True):
        _add(box, key, str(number))


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _text(text: str) -> str:
    """Leave out the characters that XML has no way to write, or that don't come back as they were."""
    return "".join(each for each in text if each >= " " and each not in "\x7f\ufffe\uffff" or each in "\t\n")


@attrs.frozen(kw_only=True)
class Read:
    """One picture: its file name and size where the XML tells them, its boxes, and what of it can't be read."""

    file_name: str | None
    width: int | None
    height: int | None
    annotations: tuple[Annotation, ...]
    numbers: tuple[int, ...] = ()
    """The number of each annotation's object, from 1."""
    problems: tuple[Problem, ...] = ()


def read(text: str) -> Read:
    """Read the XML of one picture; `MappingError` where it is none."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise MappingError("the XML declares entities, which no VOC file does and which can fill the memory")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise MappingError(f"this is no XML: {error}") from None
    if root.tag != "annotation":
        raise MappingError(f"this is no VOC, whose root is <annotation>: <{root.tag}>")
    found: list[Annotation] = []
    numbers: list[int] = []
    problems = []
    for index, each in enumerate(root.findall("object")):
        try:
            box = _object(each)
            numbers.append(index + 1)
        except (ValueError, MappingError) as error:
            problems.append(failed(f"object[{index}]", str(error)))
            continue
        found.append(box)
        flags = [name for name in _FLAGS if (each.findtext(name) or "0").strip() not in ("0", "")]
        if flags:
            problems.append(Problem("lossy", f"that it is {', '.join(flags)}", box, f"object[{index}]"))
    width, height = (_whole(root.findtext(f"size/{name}")) for name in ("width", "height"))
    name = root.findtext("filename")
    return Read(
        file_name=name,
        width=width,
        height=height,
        annotations=tuple(found),
        numbers=tuple(numbers),
        problems=tuple(problems),
    )


def _object(element: ElementTree.Element) -> Box:
    edges = []
    for name in _EDGES:
        text = element.findtext(f"bndbox/{name}")
        if not text:
            raise ValueError(f"bndbox/{name} is missing")
        edges.append(_number(text))
    left, top, right, bottom = edges
    if right <= left or bottom <= top:
        raise ValueError(f"its box ends before it begins: {edges}")
    name = (element.findtext("name") or "").strip()
    if not name:
        raise ValueError("it has no name")
    return Box(name, x=left, y=top, width=right - left, height=bottom - top)


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and int(text) > 0 else None
