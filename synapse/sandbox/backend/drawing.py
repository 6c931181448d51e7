"""Draw small pictures with nothing but the standard library."""

from __future__ import annotations

import math
import struct
import zlib

from typing import Final

SIDE: Final = 96
SCALE: Final = 28
# Half of the width of each shape, and how far above and below its centre it reaches, in units of SCALE.
EXTENTS: Final = {
    "circle": (1.0, 1.0, 1.0),
    "square": (0.9, 0.9, 0.9),
    "diamond": (1.15, 1.15, 1.15),
    "triangle": (0.96, 0.8, 0.8),
}
Colour = tuple[int, int, int]


def picture(shape: str, colour: Colour, *, turn: int = 0) -> bytes:
    """Draw one filled shape on a shaded ground and return it as a PNG; *turn* varies ground and place."""
    centre = _centre(turn)
    rows = bytearray()
    for y in range(SIDE):
        rows.append(0)
        for x in range(SIDE):
            if _inside(shape, (x - centre[0]) / SCALE, (y - centre[1]) / SCALE):
                rows += bytes(colour)
            else:
                shade = 150 + (x + 2 * y + 13 * turn) % 80
                rows += bytes((shade, shade, min(shade + 12, 255)))
    return png(bytes(rows), width=SIDE, height=SIDE)


def bounds(shape: str, *, turn: int = 0) -> dict[str, int]:
    """Return the box of pixels that encloses the shape that `picture` draws."""
    width, above, below = (SCALE * part for part in EXTENTS[shape])
    left, top = math.ceil(_centre(turn)[0] - width), math.ceil(_centre(turn)[1] - above)
    right, bottom = math.floor(_centre(turn)[0] + width), math.floor(_centre(turn)[1] + below)
    return {"x": left, "y": top, "width": right - left + 1, "height": bottom - top + 1}


def png(rows: bytes, *, width: int, height: int) -> bytes:
    """Pack rows of RGB bytes, each led by its filter byte, into a PNG file."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(rows, 6)), _chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _centre(turn: int) -> tuple[float, float]:
    return SIDE / 2 + 6 * math.cos(turn), SIDE / 2 + 6 * math.sin(turn)


def _inside(shape: str, x: float, y: float) -> bool:
    if shape == "circle":
        return x * x + y * y <= 1
    if shape == "square":
        return max(abs(x), abs(y)) <= 0.9
    if shape == "diamond":
        return abs(x) + abs(y) <= 1.15
    return -0.8 <= y <= 0.8 and abs(x) <= (y + 0.8) * 0.6
