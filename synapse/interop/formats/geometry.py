"""Boxes around shapes, areas, and the outlines of masks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from synapse.annotations import Annotation, Mask
from synapse.annotations.bounds import corners_of
from synapse.annotations.values import Pair

Bounds = tuple[float, float, float, float]
"""x, y, width, height."""


def mask_fault(mask: Mask, *, width: int, height: int) -> str:
    """Say why a mask can't be one of a picture of this size; empty where it can."""
    if mask.width and mask.height and (mask.width, mask.height) != (width, height):
        return f"it is of a picture of {mask.width} × {mask.height} pixels, and its picture has {width} × {height}"
    if mask.runs and sum(mask.runs[-1]) > width * height:
        return f"it covers pixel {sum(mask.runs[-1]) - 1}, and its picture has {width} × {height}"
    return ""


def bounds_of(value: Annotation) -> Bounds | None:
    """Give the upright box around a shape on a picture; None of what has no shape there."""
    if isinstance(value, Mask):
        return _mask_bounds(value) if value.width else None
    return around(corners_of(value))


def around(points: Sequence[Pair]) -> Bounds | None:
    """Give the upright box around points; None where there are none.

    >>> around([(1, 2), (4, 3)])
    (1, 2, 3, 1)
    """
    if not points:
        return None
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


def _mask_bounds(mask: Mask) -> Bounds | None:
    rows = [(row, left, right) for row, spans in spans_of(mask).items() for left, right in spans]
    if not rows:
        return None
    left, right = min(row[1] for row in rows), max(row[2] for row in rows)
    return left, rows[0][0], right - left, rows[-1][0] + 1 - rows[0][0]


def spans_of(mask: Mask) -> dict[int, list[tuple[int, int]]]:
    """Cut the runs of a mask at the ends of rows: for each row where they begin and end."""
    width = mask.width or 1
    spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for start, length in mask.runs:
        end = start + length
        while start < end:
            row, column = divmod(start, width)
            stop = min(end, (row + 1) * width)
            spans[row].append((column, column + stop - start))
            start = stop
    return spans


def area_of(points: Sequence[Pair]) -> float:
    """Give the area of a polygon; positive where it goes clockwise on a picture.

    >>> area_of([(0, 0), (2, 0), (2, 1), (0, 1)])
    2.0
    """
    pairs = zip(points, [*points[1:], *points[:1]], strict=True)
    return sum(x * b - a * y for (x, y), (a, b) in pairs) / 2


def outlines_of(mask: Mask) -> tuple[list[list[Pair]], int]:
    """Trace the outlines of a mask along the edges of its pixels; holes are only counted.

    Pixels that touch at a corner only belong to outlines of their own.
    """
    leaving = _edges(spans_of(mask))
    found: list[list[Pair]] = []
    holes = 0
    while leaving:
        loop = _trace(leaving)
        if area_of(loop) > 0:
            found.append(loop)
        else:
            holes += 1
    return found, holes


Corner = tuple[int, int]


def _edges(spans: dict[int, list[tuple[int, int]]]) -> dict[Corner, list[Corner]]:
    """Give the edges between what is covered and what is not, with the covered side on their right."""
    leaving: dict[Corner, list[Corner]] = defaultdict(list)
    for row, here in spans.items():
        for left, right in here:
            leaving[left, row + 1].append((left, row))
            leaving[right, row].append((right, row + 1))
        for left, right in _without(here, spans.get(row - 1, [])):
            leaving[left, row].append((right, row))
        for left, right in _without(here, spans.get(row + 1, [])):
            leaving[right, row + 1].append((left, row + 1))
    return leaving


def _without(spans: Iterable[tuple[int, int]], others: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Give the parts of spans that no other one covers; both are in order."""
    found = []
    for left, right in spans:
        for start, end in others:
            if end <= left or start >= right:
                continue
            if start > left:
                found.append((left, start))
            left = max(left, end)
        if left < right:
            found.append((left, right))
    return found


def _trace(leaving: dict[Corner, list[Corner]]) -> list[Pair]:
    """Follow edges from a corner until they come back to it, and take them out."""
    first = next(iter(leaving))
    loop: list[Corner] = [first]
    while len(loop) == 1 or loop[-1] != first:
        at = loop[-1]
        choices = leaving[at]
        chosen = choices[0] if len(choices) == 1 else max(choices, key=lambda to: _turn(loop, to))
        choices.remove(chosen)
        if not choices:
            del leaving[at]
        loop.append(chosen)
    corners = loop[:-1]
    around_each = zip([corners[-1], *corners[:-1]], corners, [*corners[1:], corners[0]], strict=True)
    straight = (0, 0)
    return [
        at
        for before, at, after in around_each
        if straight not in zip(*_steps(before, at, after), strict=True)
    ]


def _steps(before: Corner, at: Corner, after: Corner) -> tuple[Corner, Corner]:
    return (at[0] - before[0], at[1] - before[1]), (after[0] - at[0], after[1] - at[1])


def _turn(loop: list[Corner], to: Corner) -> int:
    """Tell whether an edge turns right (positive), which keeps pixels apart that touch at a corner only."""
    if len(loop) < 2:
        return 0
    (a, b), (x, y) = loop[-2:]
    return (x - a) * (to[1] - y) - (y - b) * (to[0] - x)
