"""Annotations over a picture as SVG, the colours of their classes, and a legend that counts them."""

from __future__ import annotations

import math
import zlib

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from synapse.annotations import Annotation, Box, Mask, Point, Polygon, Polyline
from synapse.interop.notebook.markup import NONE, cut, text
from synapse.interop.notebook.picture import Thumbnail

MOST_SHAPES: Final = 500
MOST_CORNERS: Final = 400
COLOURS: Final = (
    *("#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#00a0a0"),
    *("#f032e6", "#808000", "#e0b000", "#9a6324", "#1e90ff", "#d2006a"),
)
_DRAWN: Final = (Box, Mask, Point, Polygon, Polyline)


@attrs.frozen
class Drawing:
    """The annotations of one picture, and the colour of each class."""

    annotations: Sequence[Annotation]
    colours: dict[str | None, str]

    @classmethod
    def of(cls, annotations: Iterable[Annotation]) -> Drawing:
        """Choose the colours of the classes."""
        listed = list(annotations)
        return cls(listed, colours_of(each.class_name for each in listed))

    @property
    def shapes(self) -> Sequence[Annotation]:
        """What is drawn of them."""
        return [each for each in self.annotations if isinstance(each, _DRAWN)][:MOST_SHAPES]

    def colour(self, value: Annotation) -> str:
        """Give the colour of an annotation's class."""
        return self.colours[value.class_name]


def colours_of(names: Iterable[str | None]) -> dict[str | None, str]:
    """Give each class a colour: the same one wherever it can, and none twice while there are others."""
    chosen: dict[str | None, str] = {}
    for name in sorted(set(names), key=str):
        start = zlib.crc32(str(name).encode("utf-8", "replace")) % len(COLOURS)
        turn = [*COLOURS[start:], *COLOURS[:start]]
        free = [colour for colour in turn if colour not in chosen.values()]
        chosen[name] = (free or turn)[0]
    return chosen


def corners(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Leave out corners of an outline that has more than can be seen."""
    return points[:: -(-len(points) // MOST_CORNERS)] if len(points) > MOST_CORNERS else points


def svg(picture: Thumbnail, drawing: Drawing, *, side: int, mask: str = "", name: str = "") -> str:
    """Draw over a picture, in its own coordinates; without its size it is shown alone."""
    if not picture.width:
        return f'<img src="{picture.uri}" alt="{text(name)}" style="max-width:{side}px;max-height:{side}px">'
    width, height = picture.width, picture.height
    scale = side / max(width, height)
    area = f'x="0" y="0" width="{width}" height="{height}" preserveAspectRatio="none"'
    layers = [f'<image href="{uri}" {area}/>' for uri in (picture.uri, mask) if uri]
    outlines = "".join(_outline(each, drawing.colour(each), dot=4 / scale) for each in drawing.shapes)
    return (
        f'<svg class="picture" role="img" aria-label="{text(name)}" viewBox="0 0 {width} {height}" '
        f'width="{width * scale:.0f}" height="{height * scale:.0f}">{"".join(layers)}'
        f'<g stroke-width="2" fill-opacity="0.12">{outlines}</g></svg>'
    )


def _outline(value: Annotation, colour: str, *, dot: float) -> str:
    said = f"<title>{text(value.class_name or value.tool)}</title>"
    fill = "none" if isinstance(value, Polyline) else colour
    look = f'stroke="{colour}" fill="{fill}" vector-effect="non-scaling-stroke"'
    if isinstance(value, Box):
        place = f'x="{_n(value.x)}" y="{_n(value.y)}" width="{_n(value.width)}" height="{_n(value.height)}"'
        return f"<rect {place}{_turned(value)} {look}>{said}</rect>"
    if isinstance(value, Point):
        return f'<circle cx="{_n(value.x)}" cy="{_n(value.y)}" r="{_n(dot)}" {look}>{said}</circle>'
    if isinstance(value, Polygon | Polyline):
        points = " ".join(f"{_n(x)},{_n(y)}" for x, y in corners(value.points))
        name = "polygon" if isinstance(value, Polygon) else "polyline"
        return f'<{name} points="{points}" {look}>{said}</{name}>'
    return ""


def _turned(box: Box) -> str:
    if not box.rotation:
        return ""
    middle = f"{_n(box.x + box.width / 2)} {_n(box.y + box.height / 2)}"
    return f' transform="rotate({_n(math.degrees(box.rotation))} {middle})"'


def _n(value: float) -> str:
    return f"{round(value, 2):.10g}"


def legend(drawing: Drawing) -> str:
    """List the classes with their colours and how many annotations have them."""
    counts = Counter((each.class_name, type(each).__name__) for each in drawing.annotations)
    items = [
        f'<li><span class="colour" style="background:{drawing.colours[name]}"></span>'
        f"{NONE if name is None else text(cut(name))} <b>×{count}</b> {kind}</li>"
        for (name, kind), count in sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    ]
    drawable = sum(isinstance(each, _DRAWN) for each in drawing.annotations)
    if drawable > MOST_SHAPES:
        items.append(f"<li>the first {MOST_SHAPES} of {drawable:,} shapes are drawn</li>")
    return f'<ul class="legend">{"".join(items)}</ul>' if items else ""
