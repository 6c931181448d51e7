"""Uploads from another file system than this machine's, which here is a dict."""

from __future__ import annotations

import hashlib
import io

from collections.abc import Callable, Iterator
from typing import Any, Self

import attrs
import pytest

from synapse.errors import TransferError
from synapse.session import Session
from synapse.transfer import RemotePath, Source
from synapse.uploads import upload_file
from synapse.uploads.file_types import Spec
from synapse.uploads.folder_layout import open_folder
from synapse.uploads.items import plan_item, remembered_path, size_of_item

IMAGE, DATA = Spec("image_1", "image", required=True), Spec("data_meta_1", "data")


@attrs.frozen
class Held(Source):
    """A file of a dict."""

    path: Any
    content: bytes
    size: int
    head: bytes = b""
    changed_ns: int = 0
    settled: bool = False

    @property
    def place(self) -> bytes:
        """Its path."""
        return str(self.path).encode()

    @property
    def identity(self) -> str:
        """Its content."""
        return hashlib.sha1(self.content).hexdigest()

    def open(self) -> io.BytesIO:
        """Give the bytes."""
        return io.BytesIO(self.content)

    def read(self, file: Any, size: int) -> bytes:
        """Give the next bytes."""
        block: bytes = file.read(size)
        return block

    def check(self, *, sent: Callable[[], str] | None = None, kind: str = "md5") -> None:
        """Raise when the dict holds another content by now."""
        if self.path.files.get(self.path.key) != self.content:
            raise self._changed("it is another one now")


@attrs.frozen
class Place(RemotePath):
    """A path in a dict of contents by their keys."""

    files: dict[str, bytes] = attrs.field(repr=False)
    key: str = ""
    remembered: str | None = None

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    def __truediv__(self, below: str) -> Self:
        return attrs.evolve(self, key=f"{self.key}/{below}".lstrip("/"))

    def __str__(self) -> str:
        return f"dict:{self.key}"

    def source(self) -> Held:
        """Give the file."""
        if not self.is_file():
            raise TransferError(f"there is no file {str(self)!r}")
        content = self.files[self.key]
        return Held(self, content, len(content), content[:512])

    def open(self, mode: str = "rb") -> io.BytesIO:
        """Give the bytes."""
        return io.BytesIO(self.files[self.key])

    def size(self) -> int:
        """Tell the size of the file."""
        return len(self.files.get(self.key, b""))

    def is_file(self) -> bool:
        """Whether there is a file."""
        return self.key in self.files

    def entries(self) -> Iterator[tuple[str, bool]]:
        """Give what is one step below."""
        start = f"{self.key}/" if self.key else ""
        rest = [key[len(start) :] for key in self.files if key.startswith(start)]
        yield from {name.partition("/")[0]: "/" in name for name in rest}.items()

    def below(self, root: object) -> str:
        """Give the key below that of *root*."""
        if not isinstance(root, Place) or not self.key.startswith(root.key):
            raise TransferError(f"{str(self)!r} does not lie below {str(root)!r}")
        return self.key[len(root.key) :].lstrip("/")

    def remembered_as(self, path: str) -> Self:
        """Give the same place, remembered by another path."""
        return attrs.evolve(self, remembered=path)


@pytest.fixture
def photos() -> Place:
    """Pictures and their data, in two folders."""
    names = ("day1/a.png", "day1/a.json", "day2/표지판.png", "day2/표지판.json")
    return Place({f"photos/{name}": name.encode() for name in names}) / "photos"


def test_a_folder_is_read_as_a_local_one(photos: Place) -> None:
    """Files of one stem are one unit, folder after folder."""
    folder = open_folder(photos, specs=[IMAGE, DATA])

    assert ["day1/a.png\0day1/a.json", "day2/표지판.png\0day2/표지판.json"] == list(folder)


def test_a_folder_is_remembered_below_itself(photos: Place) -> None:
    """The backend gets the path below the folder, and an item that is given again keeps it."""
    folder = open_folder(photos, specs=[IMAGE, DATA])
    entry = next(iter(folder))

    planned = {name: part.path for name, part in folder.plan(entry).parts.items()}

    assert {"image_1": "day1/a.png", "data_meta_1": "day1/a.json"} == planned
    assert "day1/a.png" == remembered_path(folder.item(entry)["files"]["image_1"], None)


def test_a_file_alone_is_remembered_by_its_key(photos: Place) -> None:
    """Without a root, the whole path in its file system is kept; with one, the path below that."""
    path = photos / "day1/a.png"

    assert "photos/day1/a.png" == plan_item(path, [IMAGE]).parts["image_1"].path
    assert "a.png" == plan_item(path, [IMAGE], root=photos / "day1").parts["image_1"].path


def test_a_root_elsewhere_is_refused(photos: Place) -> None:
    """A file has no path below a folder of another file system."""
    with pytest.raises(TransferError, match="does not lie below"):
        plan_item(photos / "day1/a.png", [IMAGE], root="/tmp")


def test_a_folder_of_nearly_the_name_of_a_specification_is_told(photos: Place) -> None:
    """What is looked for below a local folder is looked for here as well."""
    photos.files["photos/deep/image-1/b.png"] = b"b"

    with pytest.raises(TransferError, match="'deep/image-1' is named after the file specification"):
        open_folder(photos, specs=[IMAGE, DATA])


def test_the_size_of_an_item_is_known(photos: Place) -> None:
    """Progress knows how much there is to send."""
    assert 10 == size_of_item({"files": {"image_1": photos / "day1/a.png"}})


@pytest.mark.parametrize("chunked", [False, True])
def test_the_content_arrives(session: Session, photos: Place, chunked: bool) -> None:
    """Its bytes are sent whole or in chunks, and the backend has their MD5."""
    row = upload_file(session, photos / "day1/a.png", chunked=chunked, chunk_size=4)

    assert hashlib.md5(b"day1/a.png").hexdigest() == row["checksum"]


def test_a_file_that_changes_meanwhile_is_refused(session: Session, photos: Place) -> None:
    """A content that is replaced after it was looked at is not registered."""
    source = (photos / "day1/a.png").source()
    photos.files["photos/day1/a.png"] = b"another"

    with pytest.raises(TransferError, match="changed while it was sent"):
        source.check()
