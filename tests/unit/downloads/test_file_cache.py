"""What was fetched once is not fetched again, as long as there is room for it."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
import time

from pathlib import Path
from typing import Any

import pytest

from filelock import FileLock

from synapse.downloads import FileCache, RemoteFile
from synapse.downloads.partial_file import PartialFile
from synapse.errors import TransferError
from synapse.session import Session
from synapse.transfer import ProgressStep
from tests.servers import reply
from tests.unit.downloads.file_server import Shelf
from tests.unit.transfer.conftest import Scripted

CONTENT = os.urandom(300_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
OLD, NOW = "Mon, 05 Jan 2026 08:00:00 GMT", "Mon, 05 Jan 2026 09:00:00 GMT"
_OPEN = PartialFile._open

FETCHER = """
import sys
from synapse.session import Session
from synapse.downloads import FileCache, RemoteFile

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
    return [path for path in cache.folder.glob("synapse-files/??/*") if path.is_file()]


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
            steps = list[ProgressStep]()
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
        (cache.folder / "synapse-files").mkdir(parents=True)
        with FileLock(cache.folder / "synapse-files" / "lock"):
            for name in "abcd":
                remote(session, url=f"/{name}.bin").read(cache=cache)

        assert 4 == len(kept(cache))

    def test_drops_drafts_that_nobody_goes_on_with(self, scripted: Scripted, cache: FileCache) -> None:
        """What a killed process left goes after a day, and not before."""
        _, session = scripted(Shelf(CONTENT))
        folder = cache.folder / "synapse-files" / "ab"
        folder.mkdir(parents=True)
        for letter, age in (("a", 10**6), ("b", 0)):
            for path in (folder / f".synapse-{letter * length}.part" for length in (20, 32)):
                path.write_bytes(b"x")
                os.utime(path, (time.time() - age, time.time() - age))
        remote(session).read(cache=cache)

        assert {"b"} == {path.stem[-1] for path in folder.iterdir() if path.name.startswith(".")}

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


class TestFolder:
    """The folder that a cache is given may hold anything."""

    @pytest.mark.parametrize("clear", [False, True])
    def test_nothing_of_others_is_dropped(self, scripted: Scripted, tmp_path: Path, clear: bool) -> None:
        """Files whose names the cache did not make are neither counted nor dropped, wherever they are."""
        _, session = scripted(Shelf(CONTENT))
        for name in (
            "01/scan.png",
            "ab/.old",
            "synapse-files/ab/scan.png",
            f"ab/{'a' * 64}",
            ".synapse-x.part",
        ):
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(CONTENT)
            os.utime(path, (0, 0))
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        cache = FileCache(tmp_path, limit=400_000)
        for name in "ab":
            remote(session, url=f"/{name}").read(cache=cache)
        if clear:
            cache.clear()
        left = {path for path in tmp_path.rglob("*") if path.is_file()} - {
            tmp_path / "synapse-files" / "lock"
        }

        assert (before, 0 if clear else 1) == (before & left, len(left - before))

    def test_clear_of_an_unused_one_makes_nothing(self, tmp_path: Path) -> None:
        """A folder that was never used as a cache stays as it is."""
        FileCache(tmp_path).clear()

        assert [] == list(tmp_path.iterdir())

    def test_a_link_among_the_kept_is_left(self, scripted: Scripted, tmp_path: Path) -> None:
        """What someone linked into the cache is not the cache's to drop."""
        _, session = scripted(Shelf(CONTENT))
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / ("cd" * 32)).write_bytes(CONTENT)
        (tmp_path / "synapse-files").mkdir()
        (tmp_path / "synapse-files" / "cd").symlink_to(tmp_path / "mine")
        cache = FileCache(tmp_path)
        remote(session).read(cache=cache)
        cache.clear()

        assert CONTENT == (tmp_path / "mine" / ("cd" * 32)).read_bytes()


class TestIdentity:
    def test_a_query_tells_files_apart(self, scripted: Scripted, cache: FileCache) -> None:
        """Two files at one path, of one size and one time of change, are two files."""
        shelf = Shelf(CONTENT, etag="", headers=[("Last-Modified", OLD), ("Date", NOW)])
        _, session = scripted(shelf)
        remote(session, url="/media?id=1").read(cache=cache)
        shelf.content = os.urandom(len(CONTENT))

        assert shelf.content == remote(session, url="/media?id=2").read(cache=cache)


class TestTrouble:
    """What is wrong with the cache costs one line in the log, and no file."""

    def full(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        (folder / "synapse-files").mkdir(parents=True)

        def opened(self: Any) -> Any:
            if folder in self.path.parents:
                raise OSError(errno.ENOSPC, "No space left on device")
            return _OPEN(self)

        monkeypatch.setattr("synapse.downloads.partial_file.PartialFile._open", opened)
        return folder

    @pytest.mark.parametrize("kind", ["file", "nowhere", "full"])
    @pytest.mark.parametrize("values", [{}, {"checksum": MD5}], ids=["version", "checksum"])
    def test_a_folder_that_is_none(
        self,
        scripted: Scripted,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        kind: str,
        values: dict[str, Any],
    ) -> None:
        """Files come whole, and progress counts each once."""
        _, session = scripted(Shelf(CONTENT))
        (tmp_path / "file").touch()
        folder = self.full(tmp_path / "full", monkeypatch) if kind == "full" else tmp_path / "file"
        cache = FileCache("/proc/nope" if kind == "nowhere" else folder)
        steps: list[ProgressStep] = []
        for name in "ab":
            path = remote(session, **values).download(tmp_path / name, progress=steps.append, cache=cache)
            assert CONTENT == path.read_bytes() == remote(session, **values).read(cache=cache)

        assert (len(CONTENT), 1) == (steps[-1].done, len(caplog.messages))
        assert caplog.messages[0].startswith(f"nothing more is kept in the cache {str(cache.folder)!r} (")

    def test_dropped_before_it_is_opened(self, scripted: Scripted, cache: FileCache, tmp_path: Path) -> None:
        """A file that another one dropped right away is fetched once more."""
        shelf = Shelf(CONTENT)
        _, session = scripted(shelf)
        steps: list[ProgressStep] = []
        file = remote(session, checksum=MD5)
        original = FileCache.keep

        def keep(self: FileCache, *identity: object, fill: Any) -> Any:
            return original(self, *identity, fill=lambda path: fill(path).unlink())

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(FileCache, "keep", keep)
            path = file.download(tmp_path / "a", progress=steps.append, cache=cache)

        assert (CONTENT, 2, len(CONTENT)) == (path.read_bytes(), len(shelf.asked), steps[-1].done)

    def test_many_at_once_in_a_small_one(self, scripted: Scripted, tmp_path: Path) -> None:
        """Side by side with hardly any room, every file comes."""
        _, session = scripted(Shelf(CONTENT[:20_000]))
        cache = FileCache(tmp_path, limit=60_000)
        files = [remote(session, url=f"/{number}", size=20_000) for number in range(300)]
        outcomes = session.map(lambda file: file.read(cache=cache), files, workers=16)

        assert {(CONTENT[:20_000], None)} == {(outcome.result, outcome.error) for outcome in outcomes}
