"""Where the demo's pictures come from."""

from __future__ import annotations

import hashlib

from collections import Counter
from pathlib import Path

import click
import pytest

from PIL import Image

from synapse import Label
from synapse.cli.pictures import Input, Picture, read_folder, write_digits


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """A folder of pictures: of two labels and of none, with a copy, a hidden one and a text beside them."""
    colours = {
        "고양이/a.png": 1,
        "고양이/b.PNG": 2,
        "dogs/c.jpg": 3,
        "d.png": 4,
        "dogs/copy.jpg": 3,
        ".x/e.png": 5,
    }
    for name, colour in colours.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (4, 4), 50 * colour).save(tmp_path / name)
    (tmp_path / "dogs" / "notes.txt").write_text("good dogs")
    return tmp_path


class TestReadFolder:
    def test_labels_each_picture_with_its_folder(self, album):
        """The label is the name of the folder that a picture lies in; one at the top has none."""
        found = read_folder(album, limit=None)

        labels = {picture.name: picture.label for picture in found.pictures}
        expected = {
            "d.png": "unlabeled",
            "dogs/c.jpg": "dogs",
            "고양이/a.png": "고양이",
            "고양이/b.PNG": "고양이",
        }
        assert expected == labels

    def test_leaves_copies_out(self, album):
        """A file of the same bytes as another is counted, not taken."""
        found = read_folder(album, limit=None)

        assert (1, 4) == (found.copies, len({picture.md5 for picture in found.pictures}))

    def test_knows_the_bytes(self, album):
        """The MD5 is that of the file."""
        picture = read_folder(album, limit=1).pictures[0]

        assert hashlib.md5(picture.path.read_bytes()).hexdigest() == picture.md5

    def test_stops_at_the_limit(self, album):
        """No more pictures are taken than asked for."""
        assert 2 == len(read_folder(album, limit=2).pictures)

    def test_refuses_a_folder_without_pictures(self, tmp_path):
        """A folder without pictures is an error that says what was looked for."""
        with pytest.raises(click.UsageError, match=r"there is no picture \(.*\.png"):
            read_folder(tmp_path, limit=None)


class TestWriteDigits:
    def test_writes_pictures_that_can_be_seen(self, tmp_path):
        """Each digit is a grey PNG of 64 × 64 pixels, from black to white."""
        picture = write_digits(tmp_path, limit=1).pictures[0]

        with Image.open(picture.path) as image:
            facts = (image.format, image.mode, image.size, image.getextrema()[0])
        assert ("PNG", "L", (64, 64), 0) == facts

    def test_labels_them_in_korean_too(self, tmp_path):
        """The annotation holds the digit and how it is read."""
        found = [picture.annotation for picture in write_digits(tmp_path, limit=10).pictures]

        assert ("3", {"읽기": "삼"}) in [(each.class_name, each.attributes) for each in found]

    def test_draws_a_box_around_each(self, tmp_path):
        """The box is as large as what is not black."""
        picture = write_digits(tmp_path, limit=1).pictures[0]
        box = picture.annotation

        with Image.open(picture.path) as image:
            assert (box.x, box.y, box.x + box.width, box.y + box.height) == image.getbbox()

    def test_takes_all_of_them(self, tmp_path):
        """Without a limit there are 1,797, no two alike."""
        found = write_digits(tmp_path, limit=None)

        assert (1797, 0) == (len(found.pictures), found.copies)
        assert set("0123456789") == set(Counter(picture.label for picture in found.pictures))


class TestInput:
    def test_shows_the_most_frequent_labels(self):
        """With more than ten labels, the others are counted only."""
        pictures = [Picture(Path(), f"{index}", Label(f"{index % 12:02}"), f"{index}") for index in range(23)]

        text = str(Input("Album", pictures))

        assert text.startswith("Album (00: 2, 01: 2, ")
        assert text.endswith(", 09: 2, and 2 labels more)")

    def test_tells_of_copies(self):
        """Copies that were left out are mentioned."""
        picture = Picture(Path(), "a", Label("x"), "0")

        assert "A (x: 1; copies of others left out: 2)" == str(Input("A", [picture], copies=2))
