"""Files to send: what is refused before, and what is noticed meanwhile."""

from __future__ import annotations

import hashlib
import os
import sys

from pathlib import Path

import pytest

from synapse.errors import TransferError
from synapse.transfer.local_file import LocalFile, SentDigest
from tests.unit.transfer.conftest import MakeFile


class TestOf:
    @pytest.mark.parametrize("path", [None, 7, b"scan.png", ["scan.png"], "", LocalFile])
    def test_refuses_what_is_no_path(self, path: object) -> None:
        """Anything but text or a Path is refused, with the kind that is wanted."""
        with pytest.raises(TransferError, match="by its path"):
            LocalFile.of(path)

    def test_refuses_a_missing_file(self, tmp_path: Path) -> None:
        """A file that is not there is named, with the folder that relative paths start from."""
        with pytest.raises(TransferError, match=r"no file 'scan.png' \(looked in /"):
            LocalFile.of("scan.png")

    def test_refuses_a_folder(self, tmp_path: Path) -> None:
        """A folder in place of a file is told apart from a missing one."""
        with pytest.raises(TransferError, match="is a folder: give the path of one file"):
            LocalFile.of(tmp_path)

    def test_refuses_a_pipe_without_waiting_for_it(self, tmp_path: Path) -> None:
        """What is no regular file is never opened: a pipe would block for ever."""
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(TransferError, match="not a regular file"):
            LocalFile.of(tmp_path / "pipe")

    def test_refuses_a_link_to_nothing(self, tmp_path: Path) -> None:
        """A link whose file is gone is a missing file."""
        (tmp_path / "link").symlink_to(tmp_path / "gone")
        with pytest.raises(TransferError, match="no file '.*link'"):
            LocalFile.of(tmp_path / "link")

    def test_takes_what_a_link_leads_to(self, tmp_path: Path, make_file: MakeFile) -> None:
        """A link to a file is sent as that file, under its own name."""
        (tmp_path / "link.bin").symlink_to(make_file())

        assert (1000, "link.bin") == (
            LocalFile.of(tmp_path / "link.bin").size,
            LocalFile.of(tmp_path / "link.bin").name,
        )

    @pytest.mark.parametrize("name", ["a\0b", "x" * 300])
    def test_refuses_a_name_that_no_file_can_have(self, name: str) -> None:
        """A name that the system refuses is an error of ours, too."""
        with pytest.raises(TransferError, match="cannot be read"):
            LocalFile.of(name)

    @pytest.mark.skipif(sys.platform == "win32", reason="permissions are different there")
    def test_refuses_an_unreadable_file(self, make_file: MakeFile) -> None:
        """A file that may not be read is refused before anything is sent."""
        path = make_file()
        path.chmod(0)
        user = os.geteuid()
        try:
            os.seteuid(user or 65534)
            with pytest.raises(TransferError, match="may not be read: check its permissions"):
                LocalFile.of(path)
        finally:
            os.seteuid(user)

    def test_takes_an_empty_file(self, make_file: MakeFile) -> None:
        """An empty file is a file."""
        assert 0 == LocalFile.of(str(make_file(size=0))).size

    def test_has_no_name_that_cannot_be_sent(self, tmp_path: Path) -> None:
        """Bytes that are no UTF-8 are told with what to do, and the file can still be opened."""
        path = tmp_path / os.fsdecode(b"caf\xe9.png")
        path.write_bytes(b"x")
        source = LocalFile.of(path)

        with pytest.raises(TransferError, match=r"'caf\\udce9.png' is no UTF-8.*rename the file"):
            _ = source.name
        assert b"x" == b"".join(source.blocks(0, 1))


class TestWatching:
    def test_notices_a_replaced_file_when_it_is_opened(self, make_file: MakeFile) -> None:
        """Another file under the same name is not the one that was checked."""
        source = LocalFile.of(make_file())
        make_file("other", size=1000).replace(source.path)

        with pytest.raises(TransferError, match="another one now"):
            source.open()

    def test_notices_a_vanished_file_when_it_is_opened(self, make_file: MakeFile) -> None:
        """A file that was removed cannot be opened any more."""
        source = LocalFile.of(make_file())
        source.path.unlink()

        with pytest.raises(TransferError, match="cannot be opened any more"):
            source.open()

    def test_notices_a_file_that_grows_while_it_is_read(self, make_file: MakeFile) -> None:
        """Bytes that are added meanwhile make the read fail."""
        source = LocalFile.of(make_file())
        with source.open() as file, source.path.open("ab") as other:
            other.write(b"more")
            other.flush()
            with pytest.raises(TransferError, match="written to or cut"):
                source.read(file, 10)

    def test_notices_a_file_that_shrinks_while_it_is_read(self, make_file: MakeFile) -> None:
        """A file that was cut to nothing makes the read fail."""
        source = LocalFile.of(make_file())
        with source.open() as file:
            os.truncate(source.path, 0)
            with pytest.raises(TransferError, match="written to or cut"):
                source.read(file, 10)

    def test_checks_by_path_that_all_is_as_before(self, make_file: MakeFile) -> None:
        """An untouched file passes, a rewritten one does not."""
        source = LocalFile.of(make_file())
        source.check()
        make_file(size=2000)
        with pytest.raises(TransferError, match="written to or replaced"):
            source.check()

    def test_checks_by_path_that_the_file_is_there(self, make_file: MakeFile) -> None:
        """A removed file does not pass."""
        source = LocalFile.of(make_file())
        source.path.unlink()
        with pytest.raises(TransferError, match="it is gone"):
            source.check()

    def test_reads_again_what_was_touched(self, make_file: MakeFile) -> None:
        """Permissions and links may change; other bytes behind the same times are a change."""
        source = LocalFile.of(make_file())
        sent = hashlib.md5(source.path.read_bytes()).hexdigest()
        source.path.chmod(0o600)
        source.check(sent=lambda: sent)
        source.path.write_bytes(b"x" * 1000)
        os.utime(source.path, ns=(0, source.stamp[2]))
        with pytest.raises(TransferError, match="its times set back"):
            source.check(sent=lambda: sent)

    def test_reads_nothing_again_that_was_left_alone(self, make_file: MakeFile) -> None:
        """An untouched file costs one look."""
        LocalFile.of(make_file()).check(sent=pytest.fail)


class TestSentDigest:
    def test_counts_repeated_bytes_once(self, make_file: MakeFile) -> None:
        """Bytes that are sent again change neither the MD5 nor the count."""
        source, counts = LocalFile.of(make_file(size=10)), list[int]()
        content = source.path.read_bytes()
        digest = SentDigest(source, advanced=counts.append)
        for start, stop in [(0, 4), (0, 4), (2, 8), (8, 10)]:
            digest.add(start, content[start:stop])

        assert (hashlib.md5(content).hexdigest(), [4, 4, 2]) == (digest.digest(), counts)

    def test_takes_from_disk_what_was_never_sent(self, make_file: MakeFile) -> None:
        """Where the backend has the first bytes already, they are read from disk."""
        source = LocalFile.of(make_file(size=10))
        content = source.path.read_bytes()
        digest = SentDigest(source, advanced=len_of)
        digest.reach(6)
        digest.add(6, content[6:8])

        assert hashlib.md5(content).hexdigest() == digest.digest()

    def test_hashes_nothing_that_is_known(self, make_file: MakeFile) -> None:
        """With the MD5 at hand, bytes are only counted, and none is read for it."""
        source, counts = LocalFile.of(make_file(size=10)), list[int]()
        digest = SentDigest(source, advanced=counts.append, known="0" * 32)
        source.path.unlink()
        digest.reach(6)
        digest.add(4, b"1234")

        assert ("0" * 32, [6, 2, 2]) == (digest.digest(), counts)


def len_of(count: int) -> int:
    """Take a count and do nothing with it."""
    return count
