"""Masks as COCO runs: column by column, the uncovered pixels first."""

from __future__ import annotations

import re

from collections.abc import Iterable
from itertools import accumulate
from typing import Any, Final

from synapse.annotations.shapes import Run

_COVERED: Final = re.compile(rb"\x01+")
_OFFSET: Final = 48
# A document of a few bytes must not claim a picture that fills the memory.
_LARGEST: Final = 1 << 30


def to_counts(runs: Iterable[Run], *, width: int, height: int) -> list[int]:
    """Count the pixels of a mask column by column: uncovered, covered, uncovered, …

    >>> to_counts([(1, 3)], width=3, height=2)
    [1, 2, 1, 1, 1]
    """
    rows = bytearray(width * height)
    for start, length in runs:
        rows[start : start + length] = b"\x01" * length
    counts, end = [], 0
    for found in _COVERED.finditer(b"".join(rows[column::width] for column in range(width))):
        counts += [found.start() - end, found.end() - found.start()]
        end = found.end()
    return [*counts, width * height - end] if end < width * height else counts


def from_counts(counts: Any, *, width: Any, height: Any) -> tuple[Run, ...]:
    """Give the runs of a mask row by row; `ValueError` where the counts are those of another picture.

    >>> from_counts([1, 2, 1, 1, 1], width=3, height=2)
    ((1, 3),)
    """
    if not all(type(side) is int and side > 0 for side in (width, height)):
        raise ValueError(f"the runs are those of a picture of {width!r} × {height!r} pixels")
    if not isinstance(counts, list) or not all(type(count) is int and count >= 0 for count in counts):
        raise ValueError("the runs are no list of whole numbers from 0")
    pixels = width * height
    if sum(counts) != pixels or pixels > _LARGEST:
        raise ValueError(f"the runs count {sum(counts):,} pixels, and {width} × {height} are {pixels:,}")
    columns = bytearray(pixels)
    ends = list(accumulate(counts))
    for start, end in zip(ends[::2], ends[1::2], strict=False):
        columns[start:end] = b"\x01" * (end - start)
    rows = b"".join(columns[row::height] for row in range(height))
    return tuple((found.start(), found.end() - found.start()) for found in _COVERED.finditer(rows))


def compress(counts: list[int]) -> str:
    """Write counts as pycocotools does: differences to the count before the last, in characters of five bits.

    >>> compress([1, 4, 1])
    '141'
    """
    written = []
    for index, count in enumerate(counts):
        value = count - counts[index - 2] if index > 2 else count
        more = True
        while more:
            bits = value & 0x1F
            value >>= 5
            more = value != (-1 if bits & 0x10 else 0)
            written.append(chr((bits | 0x20 if more else bits) + _OFFSET))
    return "".join(written)


def decompress(text: str) -> list[int]:
    """Read counts that were written by `compress()`; `ValueError` where they are cut or of other characters.

    >>> decompress("141")
    [1, 4, 1]
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - _OFFSET
        if not 0 <= code < 64 or shift > 60:
            raise ValueError(f"the runs hold {character!r}, which is no part of a count")
        value |= (code & 0x1F) << shift
        shift += 5
        if not code & 0x20:
            value -= (1 << shift) if code & 0x10 else 0
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    if shift:
        raise ValueError("the runs end in the middle of a count")
    return counts
