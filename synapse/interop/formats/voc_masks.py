"""Masks of Pascal VOC: pictures whose pixels are numbers of classes and of objects, with VOC's colours."""

from __future__ import annotations

import re
import struct
import zlib

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from synapse.annotations import Annotation, Box, Mask
from synapse.interop.formats.problems import Problem, failed

OBJECTS: Final = "SegmentationObject"
CLASSES: Final = "SegmentationClass"
MOST: Final = 254
"""The highest number; 0 is the ground, and 255 what is left open."""
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_LEVEL: Final = 6


def colour(number: int) -> tuple[int, int, int]:
    """Give the colour that VOC has for a number.

    >>> colour(1), colour(2), colour(255)
    ((128, 0, 0), (0, 128, 0), (224, 224, 192))
    """
    found = [0, 0, 0]
    for place in range(8):
        for band in range(3):
            found[band] |= (number >> (3 * place + band) & 1) << (7 - place)
    return found[0], found[1], found[2]


def png(pixels: bytes, *, width: int, height: int) -> bytes:
    """Write a picture of one byte a pixel, in VOC's colours."""
    palette = b"".join(bytes(colour(number)) for number in range(256))
    rows = b"".join(b"\0" + pixels[start : start + width] for start in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, _LEVEL)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, content) for name, content in parts)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def painted(masks: Mapping[int, Mask], *, size: tuple[int, int]) -> bytes:
    """Paint each mask in its number, the later ones over the earlier ones."""
    pixels = bytearray(size[0] * size[1])
    for number, mask in masks.items():
        for start, length in mask.runs:
            pixels[start : start + length] = bytes([number]) * length
    return bytes(pixels)


def covered(pixels: bytes, masks: Mapping[int, Mask]) -> list[Mask]:
    """Give the masks of which others cover a part."""
    left = Counter(pixels)
    return [mask for number, mask in masks.items() if left[number] < mask.area]


def with_masks(
    boxes: Mapping[int, Annotation], path: Path
) -> tuple[tuple[Annotation, ...], tuple[Problem, ...]]:
    """Give the mask of each object that has pixels in a picture of objects, in place of its box."""
    try:
        from PIL import Image as images
    except ModuleNotFoundError:
        return _without(boxes, path, 'reading masks needs pillow: pip install "synapse-orm[formats]"')
    try:
        with images.open(path, formats=["PNG"]) as picture:
            width, height = picture.size
            pixels = picture.tobytes() if picture.mode in ("P", "L") else b""
    except (OSError, ValueError, images.DecompressionBombError) as error:
        return _without(boxes, path, f"it is no PNG that can be read ({error})")
    if not pixels:
        return _without(boxes, path, "it has no numbers for pixels: a PNG with a palette is needed")
    found = [_mask(box, number, pixels, width=width, height=height) for number, box in boxes.items()]
    return tuple(found), ()


def _without(
    boxes: Mapping[int, Annotation], path: Path, reason: str
) -> tuple[tuple[Annotation, ...], tuple[Problem, ...]]:
    return tuple(boxes.values()), (failed(f"{path.parent.name}/{path.name}", reason),)


def _mask(box: Annotation, number: int, pixels: bytes, *, width: int, height: int) -> Annotation:
    if not isinstance(box, Box) or number > MOST:
        return box
    runs = [
        (found.start(), found.end() - found.start())
        for found in re.finditer(re.escape(bytes([number])) + b"+", pixels)
    ]
    return Mask(box.class_name, runs=runs, width=width, height=height) if runs else box


def label_map(names: Iterable[str]) -> str:
    """Say which number and colour each class has, as CVAT's `labelmap.txt` does; the first line is the ground."""
    lines = ["# label:color_rgb:parts:actions"]
    for number, name in enumerate(("background", *names)):
        lines.append(f"{name}:{','.join(map(str, colour(number)))}::")
    return "\n".join(lines) + "\n"
