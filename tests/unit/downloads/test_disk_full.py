"""What a download does where it cannot write."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import signal
import subprocess
import sys

from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse.downloads import RemoteFile, WantedFile, download_files
from synapse.downloads.save_file import is_disk_full
from synapse.errors import BulkError, TransferError
from synapse.session import Session
from tests.unit.downloads.file_server import Shelf
from tests.unit.transfer.conftest import Scripted

MIB = 1024 * 1024
CONTENT = os.urandom(2 * MIB)


def remote(session: Session, *, url: str = "/a.bin", size: int = len(CONTENT)) -> RemoteFile:
    """Make a remote file of CONTENT."""
    return RemoteFile(url=url, size=size, session=session)


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of one mebibyte, where that is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


class TestFullDisk:
    def test_is_told_and_leaves_nothing(self, scripted: Scripted, small_disk: Path) -> None:
        """A file for which there is no room is an error that says so, and no part of it stays."""
        _, session = scripted(Shelf(CONTENT))
        with pytest.raises(
            TransferError, match="No space left on device.*make room and fetch it again"
        ) as caught:
            remote(session).download(small_disk)

        assert (True, []) == (is_disk_full(caught.value), list(small_disk.iterdir()))

    def test_within_a_limit_of_the_process_is_the_same(self, scripted: Scripted, tmp_path: Path) -> None:
        """A limit on the size of files is met like a full disk."""
        _, session = scripted(Shelf(CONTENT))
        with largest_file(MIB + 5), pytest.raises(TransferError, match="make room") as caught:
            remote(session).download(tmp_path)

        cause = caught.value.__cause__
        assert isinstance(cause, OSError)
        assert (errno.EFBIG, []) == (cause.errno, list(tmp_path.iterdir()))

    def test_can_be_gone_on_from(self, scripted: Scripted, tmp_path: Path) -> None:
        """Of a large file, what found room stays for the call after."""
        content = os.urandom(10 * MIB)
        shelf = Shelf(content)
        _, session = scripted(shelf)
        with largest_file(6 * MIB), pytest.raises(TransferError):
            remote(session, size=len(content)).download(tmp_path)
        target = remote(session, size=len(content)).download(tmp_path)

        assert (["", f"bytes={6 * MIB}-"], content) == (shelf.asked, target.read_bytes())

    def test_ends_a_run_of_many_files(self, scripted: Scripted, tmp_path: Path) -> None:
        """Where one file finds no room, the others are not fetched in vain, and the error says what is done."""
        server, session = scripted(Shelf(b"small"), Shelf(CONTENT))
        sizes = [5, *[len(CONTENT)] * 50]
        wanted = [
            WantedFile(key, "", remote(session, url=f"/{key}", size=size)) for key, size in enumerate(sizes)
        ]
        with largest_file(MIB), pytest.raises(BulkError, match="1 files are there, 1 failed; run it again"):
            download_files(session, wanted, folder=tmp_path, workers=1)

        assert 2 == len(server.received)


@pytest.mark.skipif(not os.geteuid(), reason="root writes wherever it wants")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """A folder without permission is an error that names it."""
    tmp_path.chmod(0o500)
    with pytest.raises(TransferError, match="cannot be written"):
        RemoteFile(url="data:,hello", name="a").download(tmp_path)


def test_a_read_only_disk(tmp_path: Path) -> None:
    """A disk that takes nothing is an error that names the file."""
    folder = Path("/proc") if sys.platform == "linux" else tmp_path / "missing"
    with pytest.raises(TransferError, match="cannot be written"):
        RemoteFile(url="data:,hello", name="a").download(folder / "sub" / "a")
