"""Pictures as they are shown: fetched up to a limit, made small, and put into the page itself."""

from __future__ import annotations

import base64
import io

from typing import TYPE_CHECKING, Final, cast

import attrs

from synapse.downloads import RemoteFile
from synapse.errors import TransferError
from synapse.interop.notebook.workers import NotShownError
from synapse.session.interrupts import is_from_signal

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_FILE: Final = 32 * 1024 * 1024
MOST_PIXELS: Final = 50_000_000
SMALL_FILE: Final = 60_000
"""A picture of so many bytes is shown as it is where Pillow isn't installed."""
_QUALITIES: Final = (85, 70, 50, 30)
# Pillow knows formats that start other programs, such as EPS: a backend's file must not choose those.
_FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "PPM", "JPEG2000")
_MAGIC: Final = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}
_TURNED: Final = (5, 6, 7, 8)
_ORIENTATION: Final = 0x0112


@attrs.frozen
class Thumbnail:
    """A small picture as a `data:` URI, and the size of the whole one, 0 where that is unknown."""

    uri: str = attrs.field(repr=False)
    width: int = 0
    height: int = 0


def fetch(file: RemoteFile) -> bytes:
    """Fetch a picture, unless it is too large to be shown."""
    try:
        return file.read(most=LARGEST_FILE)
    except TransferError as error:
        raise NotShownError(str(error)) from error


def thumbnail(file: RemoteFile, *, side: int, most: int) -> Thumbnail:
    """Fetch a picture and make it small: so many pixels at its longer side, and about so many bytes."""
    content = fetch(file)
    try:
        import PIL  # noqa: F401
    except ModuleNotFoundError:
        return _as_it_came(file, content)
    whole, image = opened(content, side=side)
    return Thumbnail(data_uri(*encoded(image, most=most)), *whole)


def opened(content: bytes, *, side: int | None = None) -> tuple[tuple[int, int], Image]:
    """Read a picture, upright and in plain colours, as small as *side* says; give the size of the whole one as well."""
    try:
        return _read(content, side)
    except NotShownError:
        raise
    except Exception as error:  # of damaged files Pillow raises whatever comes
        if is_from_signal(error):
            raise
        raise NotShownError("this is no picture that can be read") from error


def _read(content: bytes, side: int | None) -> tuple[tuple[int, int], Image]:
    from PIL import Image as images
    from PIL import ImageOps

    images.init()
    known = [each for each in _FORMATS if each in images.OPEN]
    try:
        image: Image = images.open(io.BytesIO(content), formats=list(known))
    except (images.DecompressionBombError, images.DecompressionBombWarning) as error:
        raise NotShownError(f"the picture has more than {MOST_PIXELS:,} pixels") from error
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise NotShownError(f"the picture has more than {MOST_PIXELS:,} pixels")
    if side is not None:
        image.draft(None, (side, side))  # a JPEG is then read at a fraction of its size
    if image.getexif().get(_ORIENTATION) in _TURNED:
        width, height = height, width
    image = _plain(ImageOps.exif_transpose(image))
    if side is not None:
        image.thumbnail((side, side))
    return (width, height), image


def _plain(image: Image) -> Image:
    """Give grey or coloured pixels of eight bits, on white where some are transparent."""
    from PIL import Image as images

    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        image = image.convert("F")
        low, high = cast("tuple[float, float]", image.getextrema())
        scale = 255 / (high - low) if high > low else 1
        return image.point(lambda value: value * scale - low * scale).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = images.new("RGB", image.size, "white")
        ground.paste(image, mask=image.getchannel("A"))
        return ground
    return image if image.mode == "L" else image.convert("RGB")


def encoded(image: Image, *, most: int) -> tuple[bytes, str]:
    """Write a picture as PNG where that fits, else as the best JPEG that does."""
    best = io.BytesIO()
    image.save(best, "PNG")
    for quality in _QUALITIES:
        if best.tell() <= most:
            break
        written = io.BytesIO()
        image.save(written, "JPEG", quality=quality)
        best = min(best, written, key=io.BytesIO.tell)
    content = best.getvalue()
    return content, "png" if content.startswith(b"\x89PNG") else "jpeg"


def _as_it_came(file: RemoteFile, content: bytes) -> Thumbnail:
    kind = next((kind for magic, kind in _MAGIC.items() if content.startswith(magic)), None)
    if kind is None or len(content) > SMALL_FILE:
        raise NotShownError('it is too large to be shown without Pillow: pip install "synapse-orm[notebook]"')
    told = [file.meta.get(side) for side in ("width", "height")]
    width, height = (side if type(side) is int and side > 0 else 0 for side in told)
    return Thumbnail(data_uri(content, kind), width, height)


def data_uri(content: bytes, kind: str) -> str:
    """Put a picture into an address of its own."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
