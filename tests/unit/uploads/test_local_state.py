"""The journal of uploads: one row for each, one holder at a time, and never in the way."""

from __future__ import annotations

import itertools
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time

from pathlib import Path

import pytest

from synapse.session import Session
from synapse.testing import canned
from synapse.transfer.local_file import LocalFile
from synapse.uploads import local_state as module
from synapse.uploads.local_state import UploadEntry, claim_upload
from tests import amounts
from tests.unit.transfer.conftest import MakeFile

HOST = "https://canned.invalid"
ADDRESS = f"{HOST}/chunked_upload/5f/"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder that is given for the state."""
    return tmp_path / "state"


@pytest.fixture
def session(folder: Path) -> Session:
    """A session that keeps its state in that folder."""
    return canned({}, state_dir=folder)


@pytest.fixture
def source(make_file: MakeFile) -> LocalFile:
    """A file to send."""
    return LocalFile.of(make_file())


def begun(
    session: Session, source: LocalFile, *, address: str = ADDRESS, name: str = "a", size: int = 9
) -> None:
    """Begin an upload, as a process does that dies before it is done."""
    with claim_upload(session, source, name=name, chunk_size=size) as entry:
        entry.begin(address)


def known(session: Session, source: LocalFile, *, name: str = "a", size: int = 9) -> str | None:
    """Return the address that is remembered for an upload."""
    with claim_upload(session, source, name=name, chunk_size=size) as entry:
        return entry.address


def rows(folder: Path) -> list[tuple[object, ...]]:
    """Return what the database holds of uploads."""
    with sqlite3.connect(folder / "uploads" / module.DATABASE) as database:
        found = database.execute("SELECT * FROM uploads").fetchall()
    database.close()
    return found


def listed(folder: Path) -> list[str]:
    """Return the names of what is in a folder."""
    return [path.name for path in folder.iterdir()]


class TestEntry:
    def test_is_found_by_the_next(self, session: Session, source: LocalFile) -> None:
        """What one caller began, the next goes on with."""
        begun(session, source)

        assert ADDRESS == known(session, source)

    def test_is_blank_at_first(self, session: Session, source: LocalFile) -> None:
        """Nothing is known of an upload that nobody began."""
        assert known(session, source) is None

    def test_tells_that_all_bytes_arrived(self, session: Session, source: LocalFile) -> None:
        """The MD5 that an upload is being closed with is kept beside its address."""
        with claim_upload(session, source, name="a", chunk_size=9) as entry:
            entry.begin(ADDRESS)
            entry.close("0" * 32)
        with claim_upload(session, source, name="a", chunk_size=9) as entry:
            assert (ADDRESS, "0" * 32) == (entry.address, entry.md5)

    def test_begins_anew_without_an_md5(self, session: Session, source: LocalFile) -> None:
        """A new beginning takes the place of the old one, and of how it ended."""
        with claim_upload(session, source, name="a", chunk_size=9) as entry:
            entry.begin(ADDRESS)
            entry.close("0" * 32)
            entry.begin(f"{HOST}/chunked_upload/60/")
        with claim_upload(session, source, name="a", chunk_size=9) as entry:
            assert (f"{HOST}/chunked_upload/60/", None) == (entry.address, entry.md5)

    def test_is_forgotten_when_it_is_done(self, session: Session, source: LocalFile, folder: Path) -> None:
        """A finished upload leaves neither a row nor a lock behind."""
        with claim_upload(session, source, name="a", chunk_size=9) as entry:
            entry.begin(ADDRESS)
            entry.forget()

        assert ([], [module.DATABASE]) == (rows(folder), listed(folder / "uploads"))

    def test_belongs_to_its_file_as_it_was(self, session: Session, source: LocalFile) -> None:
        """A file that was written to since is another one."""
        begun(session, source)
        source.path.write_bytes(b"other")

        assert known(session, LocalFile.of(source.path)) is None

    @pytest.mark.parametrize("other", [{"name": "b"}, {"size": 10}])
    def test_belongs_to_its_name_and_chunk_size(
        self, session: Session, source: LocalFile, other: dict[str, object]
    ) -> None:
        """The same file under another name, or in other chunks, is another upload."""
        begun(session, source)

        assert known(session, source, **other) is None  # type: ignore[arg-type]

    def test_belongs_to_its_tenant(self, session: Session, source: LocalFile, folder: Path) -> None:
        """Another workspace of the same backend knows nothing of it."""
        begun(session, source)

        assert known(canned({}, state_dir=folder, tenant="other"), source) is None

    def test_is_found_from_another_folder(
        self, session: Session, source: LocalFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However its path is spelt, a file is the same one."""
        begun(session, source)
        monkeypatch.chdir(source.path.parent)

        assert ADDRESS == known(session, LocalFile.of(f"./{source.path.name}"))

    def test_takes_any_name_and_size(self, session: Session, tmp_path: Path) -> None:
        """Names that are no UTF-8, quotes, and sizes beyond any integer of a database are no matter."""
        path = tmp_path / os.fsdecode(b"caf\xe9 '\"; DROP TABLE uploads\n")
        path.write_bytes(b"x")
        begun(session, LocalFile.of(path), name="사진'\".png", size=2**80)

        assert ADDRESS == known(session, LocalFile.of(path), name="사진'\".png", size=2**80)

    def test_holds_no_secret(self, session: Session, source: LocalFile, folder: Path) -> None:
        """Neither the token nor a signature in an address gets into the file."""
        begun(session, source, address=f"{ADDRESS}?sig=s3cret#s3cret")
        content = (folder / "uploads" / module.DATABASE).read_bytes()

        assert (False, False) == (b"s3cret" in content, b"canned\x00" in content or b"Token" in content)
        assert ADDRESS == known(session, source)

    @pytest.mark.parametrize("days", [1.01, -1.01])
    def test_expires_with_the_upload(
        self, session: Session, source: LocalFile, folder: Path, days: float
    ) -> None:
        """After a day, the backend has dropped the upload; nothing comes from the future either."""
        begun(session, source)
        with sqlite3.connect(folder / "uploads" / module.DATABASE) as database:
            database.execute("UPDATE uploads SET created = ?", (time.time() - days * module.DAY,))
        database.close()

        assert (None, []) == (known(session, source), rows(folder))


class TestHolder:
    def test_is_one_at_a_time(self, session: Session, source: LocalFile) -> None:
        """Who comes while an upload is held gets a blank entry, which keeps nothing."""
        with claim_upload(session, source, name="a", chunk_size=9) as first:
            first.begin(ADDRESS)
            with claim_upload(session, source, name="a", chunk_size=9) as second:
                second.begin("elsewhere")
                second.close("0" * 32)
                second.forget()

        assert ADDRESS == known(session, source)

    def test_may_be_any_thread(self, session: Session, source: LocalFile) -> None:
        """Of many threads, one holds the upload."""
        gate, done, held = threading.Barrier(8), threading.Barrier(8), list[bool]()

        def claim() -> None:
            gate.wait()
            with claim_upload(session, source, name="a", chunk_size=9) as entry:
                held.append(entry != UploadEntry())
                done.wait()

        threads = [threading.Thread(target=claim) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [False] * 7 + [True] == sorted(held)

    def test_is_freed_by_death(self, session: Session, source: LocalFile, folder: Path) -> None:
        """A process that is killed while it holds an upload leaves it to the next."""
        with run(HOLD, folder, source.path) as process:
            assert process.stdout is not None
            process.stdout.readline()
            with claim_upload(session, source, name="a", chunk_size=9) as entry:
                assert entry.address is None
            process.kill()
            process.wait()

        assert f"{HOST}/{process.pid}" == known(session, source)


class TestProcesses:
    def test_keep_every_row(self, session: Session, folder: Path, make_file: MakeFile) -> None:
        """Several processes with several threads each write at once, and nothing is lost."""
        files = [make_file(f"{number}.bin", size=10) for number in range(4)]
        processes = [run(BEGIN, folder, path) for path in files]
        assert [0] * 4 == [process.communicate() and process.returncode for process in processes]
        found = {(row[2], row[5]) for row in rows(folder)}

        assert {(os.fsencode(path), f"n{number}") for path in files for number in range(40)} == found


class TestUnusableFolder:
    def test_is_no_error(self, source: LocalFile, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """Where nothing can be kept, every entry is blank, and one warning says why and what to do."""
        (tmp_path / "file").touch()
        session = canned({}, state_dir=tmp_path / "file" / "state")
        begun(session, source)

        assert known(session, source) is None
        assert ["WARNING"] == [record.levelname for record in caplog.records]
        assert "Set SYNAPSE_STATE_DIR to a folder" in caplog.text

    def test_of_which_only_the_locks_work_is_none_either(
        self, session: Session, source: LocalFile, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A database that cannot be opened is as good as none."""
        (folder / "uploads" / module.DATABASE).mkdir(parents=True)
        begun(session, source)

        assert (None, 1) == (known(session, source), len(caplog.records))

    @pytest.mark.skipif(sys.platform == "win32", reason="permissions are different there")
    def test_may_be_one_without_permission(
        self, session: Session, source: LocalFile, folder: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A folder that may not be written to is no error."""
        folder.mkdir()
        folder.chmod(0o500)
        user = os.geteuid()
        try:
            os.seteuid(user or 65534)
            begun(session, source)
        finally:
            os.seteuid(user)

        assert 1 == len(caplog.records)

    def test_may_be_full(
        self,
        session: Session,
        source: LocalFile,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A database that may not grow any more takes nothing, and that is no error."""
        begun(session, source)
        tables = ("PRAGMA max_page_count = 1", *module._TABLES)
        monkeypatch.setattr(module, "_TABLES", tables)
        begun(session, source, name="x" * 100_000)

        assert (ADDRESS, None) == (known(session, source), known(session, source, name="x" * 100_000))
        assert "full" in caplog.text

    def test_is_left_alone_while_another_writes(
        self, session: Session, source: LocalFile, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A database that stays locked is given up for this time, and is not damaged."""
        begun(session, source)
        monkeypatch.setattr(module, "_BUSY", 0.05)
        other = sqlite3.connect(folder / "uploads" / module.DATABASE, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        during = known(session, source)
        other.close()

        assert (None, ADDRESS) == (during, known(session, source))

    def test_may_be_a_python_without_sqlite(
        self,
        session: Session,
        source: LocalFile,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """A Python that was built without SQLite uploads as well."""
        monkeypatch.setitem(sys.modules, "sqlite3", None)
        begun(session, source)

        assert 1 == len(caplog.records)

    def test_is_not_asked_for_when_nothing_is_to_be_kept(self, source: LocalFile, tmp_path: Path) -> None:
        """`state_dir=False` keeps nothing."""
        begun(canned({}, state_dir=False), source)

        assert [source.path.name] == listed(tmp_path)


class TestDamage:
    @pytest.mark.parametrize("content", [b"no database at all" * 100, None])
    def test_costs_what_was_remembered(
        self,
        session: Session,
        source: LocalFile,
        folder: Path,
        caplog: pytest.LogCaptureFixture,
        content: bytes | None,
    ) -> None:
        """A database that cannot be read is begun anew, with a warning."""
        begun(session, source)
        path = folder / "uploads" / module.DATABASE
        whole = path.read_bytes()
        path.write_bytes(content or whole[:4096] + b"\xff" * (len(whole) - 4096))
        begun(session, source)

        assert ADDRESS == known(session, source)
        assert ["is damaged"] == [word for word in ["is damaged"] if word in caplog.text]

    def test_is_put_aside(self, session: Session, source: LocalFile, folder: Path) -> None:
        """What cannot be read may still tell somebody something."""
        begun(session, source)
        path = folder / "uploads" / module.DATABASE
        path.write_bytes(b"no database at all")
        begun(session, source)

        assert b"no database at all" == path.with_suffix(".damaged").read_bytes()

    def test_of_one_bit_leads_to_no_other_upload(
        self, session: Session, source: LocalFile, folder: Path
    ) -> None:
        """An address that has changed is not gone on with: with keys that are numbers, it would be another's."""
        begun(session, source, address=f"{HOST}/chunked_upload/12/")
        with sqlite3.connect(folder / "uploads" / module.DATABASE) as database:
            ((kept,),) = database.execute("SELECT address FROM uploads").fetchall()
            found = set()
            for place, bit in itertools.product(range(len(kept)), range(amounts.either(7, 1))):
                flipped = kept[:place] + chr(ord(kept[place]) ^ 1 << bit) + kept[place + 1 :]
                database.execute("UPDATE uploads SET address = ?", (flipped,))
                database.commit()
                found.add(known(session, source))
        database.close()

        assert all(each is None or each.startswith(f"{HOST}/chunked_upload/12/") for each in found)

    def test_is_none_in_a_row_of_before(self, session: Session, source: LocalFile, folder: Path) -> None:
        """An upload that 0.1.0 began, whose address has no checksum, is gone on with."""
        begun(session, source)
        with sqlite3.connect(folder / "uploads" / module.DATABASE) as database:
            database.execute("UPDATE uploads SET address = '/chunked_upload/5f/'")
        database.close()

        assert ADDRESS == known(session, source)

    def test_that_cannot_be_mended_is_no_error(
        self,
        session: Session,
        source: LocalFile,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """Where even a new database is refused, nothing is kept."""
        begun(session, source)
        damaged = sqlite3.DatabaseError("malformed")
        damaged.sqlite_errorcode = 11
        monkeypatch.setattr(sqlite3, "connect", lambda *_, **__: (_ for _ in ()).throw(damaged))
        begun(session, source)

        monkeypatch.undo()

        assert 1 == len(caplog.records)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are different there")
class TestPrivacy:
    def test_closes_folder_and_files_to_others(
        self, session: Session, source: LocalFile, folder: Path
    ) -> None:
        """Only their owner may look at folder, database and locks, even where the folder was open before."""
        (folder / "uploads").mkdir(parents=True, mode=0o755)
        with claim_upload(session, source, name="a", chunk_size=9) as entry:
            entry.begin(ADDRESS)
            modes = {stat.S_IMODE(path.stat().st_mode) for path in (folder / "uploads").iterdir()}

        assert ({0o600}, 0o700) == (modes, stat.S_IMODE((folder / "uploads").stat().st_mode))


def test_the_place_is_the_platforms_own(
    source: LocalFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a setting, the state is where the platform keeps such things."""
    monkeypatch.delenv("SYNAPSE_STATE_DIR")
    monkeypatch.setattr("platformdirs.user_state_path", lambda name, **_: tmp_path / "state" / name)
    begun(Session(HOST, api_token="t"), source)

    assert (tmp_path / "state" / "synapse" / "uploads" / module.DATABASE).exists()


def test_old_locks_are_swept_away(session: Session, source: LocalFile, folder: Path) -> None:
    """What killed processes left behind long ago goes, what may still be in use stays."""
    (folder / "uploads").mkdir(parents=True)
    for name, days in [("old", 3), ("new", 1)]:
        path = folder / "uploads" / f"{name}.lock"
        path.touch()
        os.utime(path, (time.time() - days * module.DAY,) * 2)
    known(session, source)

    assert {"new.lock", module.DATABASE} == set(listed(folder / "uploads"))


START = """
import os, sys, threading, time
from synapse.testing import canned
from synapse.uploads.local_state import claim_upload
from synapse.transfer.local_file import LocalFile
session, source = canned({}, state_dir=sys.argv[1]), LocalFile.of(sys.argv[2])
"""
HOLD = """
with claim_upload(session, source, name="a", chunk_size=9) as entry:
    entry.begin(f"{session.host}/{os.getpid()}")
    print(flush=True)
    time.sleep(60)
"""
BEGIN = """
def begin(part):
    for number in range(part, 40, 8):
        with claim_upload(session, source, name=f"n{number}", chunk_size=9) as entry:
            entry.begin(session.host + "/u/1")
threads = [threading.Thread(target=begin, args=(part,)) for part in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def run(code: str, folder: Path, path: Path) -> subprocess.Popen[str]:
    """Start a process that uses the journal."""
    command = [sys.executable, "-c", START + code, str(folder), str(path)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
