"""Pictures of all kinds, made small and plain."""

from __future__ import annotations

import base64
import io
import struct
import sys
import zlib

from typing import Any

import pytest

from PIL import Image

from synapse import RemoteFile, Task, TransferError
from synapse.errors import ConfigError
from synapse.interop.notebook.picture import Thumbnail, encoded, opened, thumbnail
from synapse.interop.notebook.workers import NotShownError
from synapse.testing import canned
from tests.unit.interop.notebook.stage import URL, backend, png, task_row


def small(content: bytes, *, side: int = 48, most: int = 60_000, **told: Any) -> Thumbnail:
    """Make a thumbnail of a file."""
    file = RemoteFile(url=URL, session=canned({f"GET {URL}": content}), **told)
    return thumbnail(file, side=side, most=most)


def decoded(shown: Thumbnail) -> Image.Image:
    """Open what the page holds."""
    return Image.open(io.BytesIO(base64.b64decode(shown.uri.partition(",")[2])))


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Write a picture as a file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def header(width: int, height: int) -> bytes:
    """Write the beginning of a PNG, which says how large it is."""
    said = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + said + struct.pack(">I", zlib.crc32(said))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 9) + b"IDAT"


def test_keeps_the_size_of_the_whole_one() -> None:
    """Shapes are drawn in its pixels, while the page holds fewer."""
    shown = small(png(400, 200))

    assert ((400, 200), (48, 24)) == ((shown.width, shown.height), decoded(shown).size)


def test_a_jpeg_that_is_read_at_a_fraction_keeps_its_size() -> None:
    """Pillow then tells the size of the fraction."""
    shown = small(png(1600, 800, kind="JPEG"))

    assert (1600, 800) == (shown.width, shown.height)


def test_is_turned_as_its_camera_says() -> None:
    """Width and height are those of the upright picture."""
    exif = Image.Exif()
    exif[0x0112] = 6
    shown = small(png(400, 200, kind="JPEG", exif=exif.tobytes()))

    assert ((200, 400), (24, 48)) == ((shown.width, shown.height), decoded(shown).size)


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr"])
def test_has_plain_colours(mode: str) -> None:
    """Browsers show grey and coloured pixels of eight bits alike."""
    kind = "PNG" if mode in ("L", "1", "P", "LA", "RGBA", "I;16") else "TIFF"
    _, image = opened(png(8, 8, mode=mode, kind=kind))

    assert image.mode in ("L", "RGB")


def test_sixteen_bits_are_stretched_to_eight() -> None:
    """A recording that uses 12 of 16 bits isn't black."""
    deep = Image.new("I;16", (2, 1))
    deep.putpixel((1, 0), 4095)
    _, image = opened(written(deep, "PNG"))

    assert [0, 255] == [image.getpixel((x, 0)) for x in (0, 1)]


def test_transparent_pixels_are_white() -> None:
    """There is no colour behind them."""
    _, image = opened(png(1, 1, mode="RGBA"))

    assert (255, 255, 255) == image.getpixel((0, 0))


def test_an_animation_is_its_first_frame() -> None:
    """The others are left out."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    content = written(frames[0], "GIF", save_all=True, append_images=frames[1:])

    assert (255, 0, 0) == opened(content)[1].getpixel((0, 0))


@pytest.mark.parametrize("side", [8_000, 10_000, 20_000])
def test_more_pixels_than_are_shown_are_not_read(side: int) -> None:
    """The header says how many there are; Pillow itself warns of, and refuses, still more."""
    with pytest.raises(NotShownError, match="more than 50,000,000 pixels"):
        opened(header(side, side))


@pytest.mark.parametrize("content", [b"", b"GIF8", b"<svg/>", b"%!PS-Adobe", png()[:60], header(8, 8)])
def test_what_is_no_picture_is_told(content: bytes) -> None:
    """Damaged files and formats that browsers or Pillow would run are refused alike."""
    with pytest.raises(NotShownError, match="no picture that can be read"):
        opened(content)


def test_a_noisy_picture_loses_quality_before_it_is_large() -> None:
    """The page stays small."""
    noise = Image.effect_noise((160, 160), 90)

    assert len(encoded(noise, most=10_000)[0]) <= 10_000


class TestWithoutPillow:
    @pytest.fixture(autouse=True)
    def _without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Import as if Pillow weren't installed."""
        monkeypatch.setitem(sys.modules, "PIL", None)

    def test_a_small_picture_is_shown_as_it_is(self) -> None:
        """Its size is the one that the backend tells."""
        content = b"\x89PNG, so it says"
        shown = small(content, meta={"width": 9, "height": 9})

        assert (base64.b64encode(content).decode(), 9) == (shown.uri.partition(",")[2], shown.width)

    def test_a_large_one_names_the_extra(self) -> None:
        """It isn't shown."""
        with pytest.raises(NotShownError, match=r'pip install "synapse-orm\[notebook\]"'):
            small(b"\x89PNG" + bytes(60_000))

    def test_a_drawing_is_never_shown_as_it_is(self) -> None:
        """SVG may hold scripts."""
        with pytest.raises(NotShownError):
            small(b"<svg/>")


def test_a_picture_for_scripts_needs_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra before anything is sent."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    session = backend(task_row())
    task = Task.objects.using(session).get(7)
    with pytest.raises(ConfigError, match=r"synapse-orm\[notebook\]"):
        task.picture()

    assert 1 == len(session.requests)


class TestMost:
    def test_a_larger_file_is_not_read_on(self) -> None:
        """Where the size isn't known, reading ends behind so many bytes."""
        file = RemoteFile(url=URL, session=canned({f"GET {URL}": bytes(11)}))
        with pytest.raises(TransferError, match="more than 10 bytes"):
            file.read(most=10)

    def test_a_file_of_that_size_is_read(self) -> None:
        """The limit is allowed."""
        assert bytes(10) == RemoteFile(url=URL, session=canned({f"GET {URL}": bytes(10)})).read(most=10)

    @pytest.mark.parametrize("most", [-1, True, "5", 1.5])
    def test_takes_a_number_of_bytes(self, most: Any) -> None:
        """Anything else is refused before anything is sent."""
        session = canned({})
        with pytest.raises(TransferError, match="most"):
            RemoteFile(url=URL, session=session).read(most=most)

        assert [] == session.requests
