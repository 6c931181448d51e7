"""What was fetched once is not fetched again, as long as there is room for it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time

from pathlib import Path
from typing import Any

import pytest

from filelock import FileLock

from synapse.errors import TransferError
from synapse.session import Session
from synapse.transfer import FileCache, RemoteFile, Step
from tests.unit.session.hostile import reply
from tests.unit.transfer.conftest import Scripted
from tests.unit.transfer.shelf import Shelf

CONTENT = os.urandom(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()

FETCHER = """
import sys
from synapse.session import Session
from synapse.transfer import FileCache, RemoteFile

session, cache = Session(sys.argv[1], api_token="token", state_dir=False), FileCache(sys.argv[2], limit=1_000_000)
for number in range(40):
    file = RemoteFile(url=f"/{number % 5}.bin", size=300_000, session=session)
    assert len(file.read(cache=cache)) == 300_000
"""


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    """A cache with room for three files."""
    return FileCache(tmp_path / "cache", limit=1_000_000)


def remote(session: Session, **values: Any) -> RemoteFile:
    """Make a remote file of CONTENT."""
    return RemoteFile(**{"url": "/media/a.bin?sig=1", "size": len(CONTENT), "session": session, **values})


def kept(cache: FileCache) -> list[Path]:
    """List the files in a cache."""
    return [path for path in cache.folder.glob("??/*") if path.is_file()]


class TestHit:
    def test_by_checksum_takes_no_request(self, scripted: Scripted, cache: FileCache, tmp_path: Path) -> None:
        """A content whose MD5 is known is found wherever it was fetched from."""
        server, session = scripted(Shelf(CONTENT))
        one, two = remote(session, checksum=MD5), remote(session, url="/other.bin", checksum=MD5)
        with two.open(cache=cache) as stream:
            contents = [
                one.download(tmp_path, cache=cache).read_bytes(),
                two.read(cache=cache),
                stream.read(),
            ]

        assert ([CONTENT] * 3, 1, 1) == (contents, len(server.received), len(kept(cache)))

    def test_without_checksum_takes_no_content(self, scripted: Scripted, cache: FileCache) -> None:
        """Else the server is asked which version it has, whatever the signature."""
        shelf = Shelf(CONTENT)
        _, session = scripted(shelf)
        contents = [remote(session, url=f"/a.bin?sig={number}").read(cache=cache) for number in range(2)]

        assert ([CONTENT] * 2, 2, 1) == (contents, len(shelf.asked), len(kept(cache)))

    def test_counts_as_progress(self, scripted: Scripted, cache: FileCache, tmp_path: Path) -> None:
        """What comes out of the cache is done at once, and a miss counts once."""
        _, session = scripted(Shelf(CONTENT))
        told: list[list[int]] = []
        for number in range(2):
            steps = list[Step]()
            file = remote(session, checksum=MD5)
            file.download(tmp_path / f"{number}", progress=steps.append, cache=cache)
            told.append([step.done for step in steps])

        assert [[0, len(CONTENT)]] * 2 == told

    def test_is_a_copy(self, scripted: Scripted, cache: FileCache, tmp_path: Path) -> None:
        """Editing a download changes nothing in the cache."""
        _, session = scripted(Shelf(CONTENT))
        file = remote(session, checksum=MD5)
        file.download(tmp_path / "a", cache=cache).write_bytes(b"mine")

        assert file.download(tmp_path / "b", cache=cache).read_bytes() == CONTENT


class TestMiss:
    @pytest.mark.parametrize("change", [b"", b"x"])
    def test_a_damaged_file_is_fetched_again(
        self, scripted: Scripted, cache: FileCache, change: bytes
    ) -> None:
        """A file that someone cut or wrote to in the cache is not given out."""
        _, session = scripted(Shelf(CONTENT))
        file = remote(session, checksum=MD5)
        file.read(cache=cache)
        kept(cache)[0].write_bytes(change + CONTENT[1:] if change else CONTENT[1:])

        assert CONTENT == file.read(cache=cache) == kept(cache)[0].read_bytes()

    def test_a_changed_file_is_fetched(self, scripted: Scripted, cache: FileCache) -> None:
        """Another version at the same address is another file."""
        shelf, other = Shelf(CONTENT), os.urandom(len(CONTENT))
        _, session = scripted(shelf)
        remote(session).read(cache=cache)
        shelf.content, shelf.etag = other, '"v2"'

        assert other == remote(session).read(cache=cache)

    def test_a_failure_is_not_kept(self, scripted: Scripted, cache: FileCache) -> None:
        """A damaged file does not get into the cache."""
        _, session = scripted(Shelf(b"other"))
        with pytest.raises(TransferError, match="arrived damaged"):
            remote(session, checksum=MD5).read(cache=cache)

        assert [] == kept(cache)

    @pytest.mark.parametrize(
        "values", [{}, {"size": None, "url": "/large"}, {"url": "data:,hello", "size": 5}]
    )
    def test_what_cannot_be_kept_is_fetched_all_the_same(
        self, scripted: Scripted, tmp_path: Path, values: dict[str, Any]
    ) -> None:
        """Files without a version, larger than the cache or inside of their address go past it."""
        _, session = scripted(Shelf(CONTENT, etag='"v"' if "url" in values else ""))
        cache = FileCache(tmp_path, limit=1000 if "url" in values else 10**6)
        content = remote(session, **values).read(cache=cache)

        assert (b"hello" if values.get("size") else CONTENT, []) == (content, kept(cache))

    def test_what_is_told_to_be_larger_is_not_looked_up(self, scripted: Scripted, tmp_path: Path) -> None:
        """A file that is larger than the cache by its own word takes one request."""
        shelf = Shelf(CONTENT)
        _, session = scripted(shelf)

        assert CONTENT == remote(session).read(cache=FileCache(tmp_path, limit=1000))
        assert [""] == shelf.asked


class TestLimit:
    def test_drops_what_was_not_used_for_longest(self, scripted: Scripted, cache: FileCache) -> None:
        """Among four files, three of which fit, the one that nobody asked for goes."""
        _, session = scripted(Shelf(CONTENT))
        for name in "abcad":
            remote(session, url=f"/{name}.bin").read(cache=cache)
            time.sleep(0.02)
        left = {path.name for path in kept(cache)}
        for name in "ad":
            remote(session, url=f"/{name}.bin").read(cache=cache)

        assert (left, 3) == ({path.name for path in kept(cache)}, len(left))

    def test_holds_for_what_was_there_before(self, scripted: Scripted, cache: FileCache) -> None:
        """A smaller limit is met with the first file that is added."""
        _, session = scripted(Shelf(CONTENT))
        for name in "abc":
            remote(session, url=f"/{name}.bin").read(cache=cache)
        remote(session, url="/d.bin").read(cache=FileCache(cache.folder, limit=400_000))

        assert 1 == len(kept(cache))

    def test_is_left_to_another_process_that_is_at_it(self, scripted: Scripted, cache: FileCache) -> None:
        """While another one makes room, files are kept beyond the limit for a moment."""
        _, session = scripted(Shelf(CONTENT))
        cache.folder.mkdir()
        with FileLock(cache.folder / "lock"):
            for name in "abcd":
                remote(session, url=f"/{name}.bin").read(cache=cache)

        assert 4 == len(kept(cache))

    def test_drops_drafts_that_nobody_goes_on_with(self, scripted: Scripted, cache: FileCache) -> None:
        """What a killed process left goes after a day, and not before."""
        _, session = scripted(Shelf(CONTENT))
        folder = cache.folder / "ab"
        folder.mkdir(parents=True)
        for name, age in ((".synapse-old.part", 10**6), (".synapse-new.part", 0)):
            (folder / name).write_bytes(b"x")
            os.utime(folder / name, (time.time() - age,) * 2)
        remote(session).read(cache=cache)

        assert [".synapse-new.part"] == [path.name for path in folder.glob(".*")]

    def test_clear_drops_everything(self, scripted: Scripted, cache: FileCache) -> None:
        """A cleared cache is empty, and goes on."""
        _, session = scripted(Shelf(CONTENT))
        remote(session).read(cache=cache)
        cache.clear()

        assert ([], CONTENT) == (kept(cache), remote(session).read(cache=cache))


def test_processes_share_a_folder(scripted: Scripted, cache: FileCache) -> None:
    """Two processes that fetch and drop at the same time both get every file whole."""
    server, _ = scripted(reply())
    server.script = [Shelf(CONTENT)]
    command = [sys.executable, "-c", FETCHER, server.origin, str(cache.folder)]
    processes = [subprocess.Popen(command) for _ in range(2)]

    assert [0, 0] == [process.wait(60) for process in processes]


@pytest.mark.parametrize(
    "bad", [{"folder": None}, {"folder": ""}, {"limit": 0}, {"limit": "10"}, {"limit": True}]
)
def test_refuses_what_is_no_cache(bad: dict[str, Any]) -> None:
    """A folder and a number of bytes are needed."""
    with pytest.raises(TransferError):
        FileCache(**{"folder": "cache", **bad})


def test_is_shown_by_its_folder() -> None:
    """A cache prints as it is made."""
    assert "FileCache('here', limit=5)" == repr(FileCache("here", limit=5))
