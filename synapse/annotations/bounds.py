"""Whether a shape lies in its picture, and what of it does."""

from __future__ import annotations

import math

from typing import Any, Final, Literal, TypeAlias

import attrs

from synapse.annotations.shapes import Box, Mask, Point, Polygon, Polyline
from synapse.annotations.values import Annotation, Pair

Outside: TypeAlias = Literal["clip", "refuse", "keep"]
# Relative coordinates of six digits, as YOLO has them, are off by this much on a picture of 10,000 pixels.
_TOLERANCE: Final = 0.01


class OutsideError(ValueError):
    """A shape that does not lie in its picture."""


def fit(value: Annotation, *, width: int, height: int, outside: Outside) -> Annotation:
    """Give a shape as it may be sent: clipped, refused by `OutsideError`, or as it is."""
    if outside == "keep":
        return value
    if isinstance(value, Mask):
        return _mask(value, width * height, f"{width} × {height}")
    corners = corners_of(value)
    if all(_inside(corner, width, height) for corner in corners):
        return value
    where = f"lies outside its picture of {width} × {height} pixels"
    if outside == "refuse":
        raise OutsideError(f"{where}; outside='clip' cuts it off, outside='keep' sends it as it is")
    clipped = _clip(value, width, height)
    if clipped is None:
        raise OutsideError(f"{where}, and nothing is left to clip; outside='keep' sends it as it is")
    return clipped


def corners_of(value: Annotation) -> tuple[Pair, ...]:
    """Give the points that bound a shape on a picture; none of what has no shape there."""
    if isinstance(value, Polygon | Polyline):
        return value.points
    if isinstance(value, Point):
        return ((value.x, value.y),)
    if not isinstance(value, Box):
        return ()
    right, bottom = value.x + value.width, value.y + value.height
    corners = ((value.x, value.y), (right, value.y), (right, bottom), (value.x, bottom))
    if not value.rotation:
        return corners
    cos, sin = math.cos(value.rotation), math.sin(value.rotation)
    cx, cy = value.x + value.width / 2, value.y + value.height / 2
    return tuple(
        (cx + (x - cx) * cos - (y - cy) * sin, cy + (x - cx) * sin + (y - cy) * cos) for x, y in corners
    )


def _mask(value: Mask, pixels: int, size: str) -> Mask:
    if value.runs and sum(value.runs[-1]) > pixels:
        raise OutsideError(
            f"covers pixel {sum(value.runs[-1]) - 1}, and its picture of {size} has {pixels:,}"
        )
    return value


def _inside(point: Pair, width: int, height: int) -> bool:
    x, y = point
    return -_TOLERANCE <= x <= width + _TOLERANCE and -_TOLERANCE <= y <= height + _TOLERANCE


def _clip(value: Annotation, width: int, height: int) -> Annotation | None:
    if isinstance(value, Box) and not value.rotation:
        left, top = max(value.x, 0), max(value.y, 0)
        right, bottom = min(value.x + value.width, width), min(value.y + value.height, height)
        if right <= left or bottom <= top:
            return None
        return attrs.evolve(value, x=left, y=top, width=right - left, height=bottom - top)
    if isinstance(value, Polygon):
        points = clip_polygon(value.points, width=width, height=height)
        return attrs.evolve(value, points=points) if len(points) >= 3 else None
    raise OutsideError(
        f"lies outside its picture of {width} × {height} pixels, and only polygons and boxes that aren't rotated "
        "can be clipped; outside='keep' sends it as it is"
    )


def clip_polygon(points: tuple[Pair, ...], *, width: float, height: float) -> tuple[Pair, ...]:
    """Cut a polygon off at the edges of its picture, one edge after the other (Sutherland and Hodgman).

    >>> clip_polygon(((-2, 0), (2, 0), (2, 2), (-2, 2)), width=4, height=4)
    ((0, 0.0), (2, 0), (2, 2), (0, 2.0))
    """
    edges = ((0, 0, 1), (0, width, -1), (1, 0, 1), (1, height, -1))
    for axis, limit, sign in edges:
        points = _cut(points, axis, limit=limit, sign=sign)
    return points


def _cut(points: tuple[Pair, ...], axis: int, *, limit: float, sign: int) -> tuple[Pair, ...]:
    """Keep what lies above the limit of an axis, or with the sign -1 below it."""
    found: list[Any] = []
    for before, point in zip(points[-1:] + points[:-1], points, strict=True):
        was_kept, is_kept = (sign * each[axis] >= sign * limit for each in (before, point))
        if was_kept != is_kept:
            share = (limit - before[axis]) / (point[axis] - before[axis])
            other = before[1 - axis] + share * (point[1 - axis] - before[1 - axis])
            found.append((limit, other) if axis == 0 else (other, limit))
        if is_kept:
            found.append(point)
    return tuple(found)
