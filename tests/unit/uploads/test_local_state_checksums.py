"""Checksums of files that need not be read again."""

from __future__ import annotations

import os
import sqlite3
import time

from pathlib import Path

import pytest

from synapse.session import Session
from synapse.testing import canned
from synapse.transfer.local_file import LocalFile
from synapse.uploads import local_state as module
from synapse.uploads import local_state as state
from synapse.uploads.local_state import remember_digests, remembered_digests
from tests.unit.transfer.conftest import MakeFile


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """A session that keeps its state in a folder of the test's own."""
    return canned({}, state_dir=tmp_path / "state")


def settled(path: Path) -> LocalFile:
    """Look at a file once its times are older than any clock's tick."""
    while not (source := LocalFile.of(path)).settled:
        time.sleep(0.02)
    return source


def test_are_known_in_order(session: Session, make_file: MakeFile) -> None:
    """Each file has the checksum that was remembered for it, or none."""
    first, second, third = (settled(make_file(name)) for name in "abc")
    remember_digests(session, [(first, "1" * 32), (third, "3" * 32)], kind="md5")

    assert ["3" * 32, None, "1" * 32] == remembered_digests(session, [third, second, first], kind="md5")


def test_are_of_one_kind(session: Session, make_file: MakeFile) -> None:
    """The MD5 of a file tells nothing of its SHA-1."""
    source = settled(make_file())
    remember_digests(session, [(source, "1" * 32)], kind="md5")

    assert [None] == remembered_digests(session, [source], kind="sha1")


def test_end_with_the_content(session: Session, make_file: MakeFile) -> None:
    """A file that was written to has no checksum any more, even if its time was set back."""
    source = settled(make_file())
    remember_digests(session, [(source, "1" * 32)], kind="md5")
    stat = source.path.stat()
    make_file()
    os.utime(source.path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    later = LocalFile.of(source.path)

    assert (source.stamp, [None]) == (later.stamp, remembered_digests(session, [later], kind="md5"))


def test_of_a_file_that_was_just_written_are_not_trusted(session: Session, make_file: MakeFile) -> None:
    """Within one tick of the clock, a file can change without a trace."""
    source = LocalFile.of(make_file())
    remember_digests(session, [(source, "1" * 32)], kind="md5")

    assert (False, [None]) == (source.settled, remembered_digests(session, [source], kind="md5"))


def test_come_in_any_number(session: Session, make_file: MakeFile) -> None:
    """More files than one statement takes are no matter, nor are none."""
    source = settled(make_file())
    remember_digests(session, [(source, "1" * 32)], kind="md5")

    assert ["1" * 32] * 1200 == remembered_digests(session, [source] * 1200, kind="md5")
    assert [] == remembered_digests(session, [], kind="md5")


def test_of_which_a_bit_has_changed_are_read_again(
    session: Session, make_file: MakeFile, tmp_path: Path
) -> None:
    """A wrong checksum would have the backend take another file for this one."""
    source = settled(make_file())
    remember_digests(session, [(source, "1" * 32)], kind="md5")
    database = sqlite3.connect(tmp_path / "state" / "uploads" / state.DATABASE, isolation_level=None)
    database.execute("UPDATE digests SET digest = '0' || substr(digest, 2)")
    database.close()

    assert [None] == remembered_digests(session, [source], kind="md5")


def test_are_bounded(session: Session, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past the limit, those that were not used for longest go first."""
    monkeypatch.setattr(module, "LARGEST_DATABASE", 0)
    sources = [settled(make_file(name, size=1)) for name in "abcd"]
    for number, source in enumerate(sources):
        monkeypatch.setattr(time, "time", lambda number=number: 1e9 + number)
        remember_digests(session, [(source, str(number))], kind="md5")

    assert [None, "1", "2", "3"] == remembered_digests(session, sources, kind="md5")


def test_that_are_used_stay(session: Session, make_file: MakeFile, tmp_path: Path) -> None:
    """Whoever asks for a checksum a day later makes it a new one."""
    source = settled(make_file())
    remember_digests(session, [(source, "1" * 32)], kind="md5")
    database = sqlite3.connect(tmp_path / "state" / "uploads" / state.DATABASE, isolation_level=None)
    database.execute("UPDATE digests SET used = 0")
    remembered_digests(session, [source], kind="md5")
    ((used,),) = database.execute("SELECT used FROM digests").fetchall()
    database.close()

    assert used > time.time() - 60


def test_are_not_kept_where_nothing_is(make_file: MakeFile) -> None:
    """A session that keeps nothing knows nothing."""
    source, session = settled(make_file()), canned({})
    remember_digests(session, [(source, "1" * 32)], kind="md5")

    assert [None] == remembered_digests(session, [source], kind="md5")
