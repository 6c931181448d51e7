"""Annotations painted by Pillow: masks for the page, and whole pictures for scripts and reports."""

from __future__ import annotations

import io

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Final

from synapse.annotations import Annotation, Box, Mask, Point, Polygon, Polyline
from synapse.annotations.bounds import corners_of
from synapse.interop.notebook.drawing import Drawing
from synapse.interop.notebook.picture import data_uri

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Size = tuple[int, int]
MASK_OPACITY: Final = 115
_RADIUS: Final = 4
_FAR: Final = 100_000.0
_MOST_RECTANGLES: Final = 100_000


def mask_overlay(drawing: Drawing, *, size: Size, side: int) -> str:
    """Paint all masks into one small transparent picture, a `data:` URI; without masks or Pillow that is empty."""
    if not size[0] or not any(isinstance(each, Mask) for each in drawing.shapes):
        return ""
    try:
        from PIL import Image as images
    except ModuleNotFoundError:
        return ""
    scale = min(1.0, side / max(size))
    overlay = images.new("RGBA", (max(1, round(size[0] * scale)), max(1, round(size[1] * scale))))
    _paint_masks(overlay, drawing, size=size)
    written = io.BytesIO()
    overlay.save(written, "PNG")
    return data_uri(written.getvalue(), "png")


def painted(image: Image, drawing: Drawing, *, size: Size) -> Image:
    """Paint annotations, in the coordinates of the whole picture, over one that may be smaller."""
    from PIL import Image as images
    from PIL import ImageDraw

    overlay = images.new("RGBA", image.size)
    _paint_masks(overlay, drawing, size=size)
    result = images.alpha_composite(image.convert("RGBA"), overlay).convert("RGB")
    pen, scale = ImageDraw.Draw(result), (result.width / size[0], result.height / size[1])
    for value in drawing.shapes:
        _paint_outline(pen, value, drawing.colour(value), scale=scale)
    return result


def _paint_outline(pen: ImageDraw, value: Annotation, colour: str, *, scale: tuple[float, float]) -> None:
    # What lies far outside would overflow Pillow's numbers.
    corners = [
        (min(max(x * scale[0], -_FAR), _FAR), min(max(y * scale[1], -_FAR), _FAR))
        for x, y in corners_of(value)
    ]
    if isinstance(value, Box | Polygon):
        pen.line([*corners, corners[0]], fill=colour, width=2)
    elif isinstance(value, Polyline):
        pen.line(corners, fill=colour, width=2)
    elif isinstance(value, Point):
        [(x, y)] = corners
        pen.ellipse((x - _RADIUS, y - _RADIUS, x + _RADIUS, y + _RADIUS), fill=colour)


def _paint_masks(overlay: Image, drawing: Drawing, *, size: Size) -> None:
    from PIL import ImageColor, ImageDraw

    pen = ImageDraw.Draw(overlay)
    across, down = overlay.width / size[0], overlay.height / size[1]
    for mask in drawing.shapes:
        if not isinstance(mask, Mask):
            continue
        red, green, blue = ImageColor.getrgb(drawing.colour(mask))[:3]
        for left, top, right, bottom in islice(rectangles(mask, size), _MOST_RECTANGLES):
            # Pillow paints the right and the bottom edge too; whatever is covered stays a pixel wide.
            place = int(left * across), int(top * down)
            end = max(place[0], int(right * across) - 1), max(place[1], int(bottom * down) - 1)
            pen.rectangle((*place, *end), fill=(red, green, blue, MASK_OPACITY))


def rectangles(mask: Mask, size: Size) -> Iterator[tuple[int, int, int, int]]:
    """Cut the runs of a mask into rectangles of its picture: left, top, and what lies behind the right and the bottom.

    >>> list(rectangles(Mask(runs=[(1, 6)]), (3, 3)))
    [(1, 0, 3, 1), (0, 1, 3, 2), (0, 2, 1, 3)]
    """
    width, pixels = size[0], size[0] * size[1]
    for start, length in mask.runs:
        end = min(start + length, pixels)
        if end <= start:
            continue
        (top, left), (bottom, right) = divmod(start, width), divmod(end, width)
        if top == bottom:
            yield left, top, right, top + 1
            continue
        if left:
            yield left, top, width, top + 1
            top += 1
        if top < bottom:
            yield 0, top, width, bottom
        if right:
            yield 0, bottom, right, bottom + 1
