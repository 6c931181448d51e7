"""Files that are opened: at any place of them, checked, or by ranges of one version."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import zipfile

from pathlib import Path
from typing import Any

import numpy
import pytest

from PIL import Image

from synapse.downloads import FileCache, RemoteFile
from synapse.downloads import opened_files as opening
from synapse.errors import TransferError, TransportError
from synapse.session import Session
from tests.servers import cut, reply
from tests.unit.downloads.file_server import Shelf
from tests.unit.transfer.conftest import Scripted

MIB = 1024 * 1024
CONTENT = os.urandom(3 * MIB)
LAST_BYTE = f"bytes {3 * MIB - 1}-{3 * MIB - 1}/{3 * MIB}"
OLD = "Thu, 01 Jan 2026 08:12:31 GMT"
MD5 = hashlib.md5(CONTENT).hexdigest()


def remote(session: Session, **values: Any) -> RemoteFile:
    """Make a remote file."""
    return RemoteFile(**{"url": "/a.bin", "session": session, **values})


def zipped() -> bytes:
    """Make an archive of two files, the first one large."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("large.bin", CONTENT)
        archive.writestr("b.txt", "hello")
    return held.getvalue()


def drawn() -> bytes:
    """Make a small picture."""
    held = io.BytesIO()
    Image.new("L", (9, 7), 3).save(held, "PNG")
    return held.getvalue()


def array() -> bytes:
    """Make a small array."""
    held = io.BytesIO()
    numpy.save(held, numpy.arange(5))
    return held.getvalue()


READERS: dict[str, tuple[bytes, Any, Any]] = {
    "zipfile": (zipped(), lambda file: zipfile.ZipFile(file).read("b.txt"), b"hello"),
    "numpy": (array(), lambda file: numpy.load(file).tolist(), [0, 1, 2, 3, 4]),
    "PIL": (drawn(), lambda file: Image.open(file).size, (9, 7)),
}


@pytest.mark.parametrize("cached", [False, True])
@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("reader", READERS)
def test_libraries_read_what_is_opened(
    scripted: Scripted, tmp_path: Path, reader: str, verify: bool, cached: bool
) -> None:
    """Libraries that jump about in a file find all of it."""
    content, read, expected = READERS[reader]
    _, session = scripted(Shelf(content))
    cache = FileCache(tmp_path) if cached else None
    with remote(session).open(verify=verify, cache=cache) as file:
        assert expected == read(file)


@pytest.mark.parametrize("size", [0, 1, opening.IN_MEMORY, opening.IN_MEMORY + 1])
def test_a_stream_seeks(scripted: Scripted, size: int) -> None:
    """It goes anywhere and back, whether it is in memory or in a temporary file."""
    content = (CONTENT * 3)[:size]
    _, session = scripted(reply(raw=content))
    with remote(session).open() as file:
        seen = [
            file.seek(0, os.SEEK_END),
            file.tell(),
            file.seek(size // 2),
            file.read(),
            file.seek(0),
            file.read(),
        ]

    assert [size, size, size // 2, content[size // 2 :], 0, content] == seen
    assert not hasattr(file, "name")  # a number, as temporary files have, is a path to some libraries
    assert file.closed


def test_nothing_damaged_is_opened(scripted: Scripted) -> None:
    """What is wrong with a file is told before any of it is read."""
    _, session = scripted(reply(raw=b"x" + CONTENT[1:]))
    with pytest.raises(TransferError, match="arrived damaged"):
        remote(session, checksum=MD5).open()


def test_a_file_that_changes_while_it_is_fetched_begins_anew(scripted: Scripted) -> None:
    """Nothing of the version before is left, not even where the other one is shorter."""
    whole = reply(raw=os.urandom(12 * MIB), headers=[("ETag", '"v1"')])
    _, session = scripted(cut(whole, at=10), reply(raw=CONTENT))
    with remote(session).open() as file:
        assert CONTENT == file.read()


def test_a_full_disk_is_told(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a large file cannot be kept while it is open, the error says where to make room."""

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    _, session = scripted(reply(raw=bytes(opening.IN_MEMORY + 1)))
    with pytest.raises(TransferError, match=r"No space left on device\): make room in"):
        remote(session).open()


def test_verify_is_yes_or_no() -> None:
    """Anything else is refused before something is fetched."""
    with pytest.raises(TransferError, match="verify must be True or False, not str 'no'"):
        RemoteFile(url="data:,x").open(verify="no")  # type: ignore[arg-type]


class TestRanges:
    def test_are_asked_for_where_they_are_read(self, scripted: Scripted) -> None:
        """The end of a large file takes no more than the end."""
        content = bytes(20 * MIB) + CONTENT
        shelf = Shelf(content)
        _, session = scripted(shelf)
        with remote(session).open(verify=False) as file:
            file.seek(-len(CONTENT), os.SEEK_END)
            seen = file.read()

        assert (CONTENT, ["", f"bytes={20 * MIB}-"]) == (seen, shelf.asked)

    def test_close_by_are_read_over(self, scripted: Scripted) -> None:
        """A little further on takes no other request, and neither does the end."""
        shelf = Shelf(CONTENT)
        _, session = scripted(shelf)
        with remote(session).open(verify=False) as file:
            seen = [file.read(10), file.seek(2 * MIB), file.read(5), file.seek(9 * MIB), file.read()]

        assert [CONTENT[:10], 2 * MIB, CONTENT[2 * MIB : 2 * MIB + 5], 9 * MIB, b""] == seen
        assert len(shelf.asked) < 3

    def test_back_to_the_beginning(self, scripted: Scripted) -> None:
        """A file is read a second time from its first byte."""
        _, session = scripted(Shelf(CONTENT))
        with remote(session).open(verify=False) as file:
            assert [CONTENT, CONTENT] == [file.read(), (file.seek(0), file.read())[1]]

    @pytest.mark.parametrize("place", [0, 2 * MIB])
    def test_of_another_version_are_refused(self, scripted: Scripted, place: int) -> None:
        """A file that became another one while it was open is never glued together, nor read on as the other."""
        shelf = Shelf(CONTENT)
        _, session = scripted(shelf)
        with remote(session).open(verify=False) as file:
            file.seek(-1, os.SEEK_END)
            file.read()
            shelf.content, shelf.etag = bytes(3 * MIB), '"v2"'
            file.seek(place)
            with pytest.raises(TransferError, match="changed while it was"):
                file.read(1)

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (
                reply(206, raw=b"x", headers=[("Content-Range", LAST_BYTE)]),
                "which version",
            ),
            (reply(raw=CONTENT, headers=[("ETag", '"v1"')]), "gives no parts of this file"),
            (reply(416, raw=b""), "changed while it was fetched"),
        ],
        ids=["no tag", "no range", "not satisfiable"],
    )
    def test_that_cannot_be_told_apart_are_refused(
        self, scripted: Scripted, answer: bytes, words: str
    ) -> None:
        """The error names what to do instead."""
        _, session = scripted(Shelf(CONTENT), answer)
        with remote(session).open(verify=False) as file:
            file.seek(-1, os.SEEK_END)
            with pytest.raises(TransferError, match=words):
                file.read(1)

    @pytest.mark.parametrize(
        "headers", [[], [("ETag", 'W/"v1"')], [("ETag", '"v1"'), ("Content-Encoding", "x")]]
    )
    def test_that_are_of_no_version_are_not_used(self, scripted: Scripted, headers: Any) -> None:
        """Without a validator the file is fetched whole, so that it can be read from any place."""
        _, session = scripted(reply(raw=CONTENT, headers=headers))
        with remote(session, checksum="0" * 32).open(verify=False) as file:
            assert (3 * MIB - 1, CONTENT[-1:]) == (file.seek(-1, os.SEEK_END), file.read())

    def test_go_on_where_the_line_broke(self, scripted: Scripted) -> None:
        """A lost connection is taken up again, as of any download."""
        shelf = Shelf(CONTENT, cuts=[MIB + 5])
        _, session = scripted(shelf)
        with remote(session).open(verify=False) as file:
            assert CONTENT == file.read()

    def test_that_never_come_are_an_error(self, scripted: Scripted) -> None:
        """A server that is gone is told, and the stream can be closed."""
        shelf = Shelf(CONTENT, cuts=[3 * MIB, *[0] * 9])
        _, session = scripted(shelf, retries=1)
        with remote(session).open(verify=False) as file, pytest.raises(TransportError):
            file.seek(-1, os.SEEK_END)
            file.read(1)

    def test_before_the_beginning_are_none(self, scripted: Scripted) -> None:
        """A place that is none is refused as of any file."""
        _, session = scripted(Shelf(CONTENT))
        with remote(session).open(verify=False) as file, pytest.raises(OSError, match="negative seek"):
            file.seek(-1)

    def test_of_what_is_too_small_for_an_archive(self, scripted: Scripted) -> None:
        """`zipfile` looks before its start, and finds that it is none."""
        _, session = scripted(Shelf(b"small"))
        with remote(session).open(verify=False) as file:
            assert not zipfile.is_zipfile(file)

    def test_of_a_file_that_is_new(self, scripted: Scripted) -> None:
        """Its time of change becomes sure while it is open; by its tag it is the same."""
        times = [("Last-Modified", OLD), ("Date", OLD)]
        shelf = Shelf(CONTENT, headers=times)
        _, session = scripted(shelf)
        with remote(session).open(verify=False) as file:
            file.seek(-1, os.SEEK_END)
            file.read()
            shelf.headers = [times[0], ("Date", OLD.replace("08:12", "08:20"))]
            file.seek(0)
            assert CONTENT == file.read()
