"""The journal of a bulk write as a file: whose it is, what a crash leaves of it, and what it never holds."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import tempfile

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import ConfigError, QueryError
from synapse.orm import journal as journals
from synapse.orm.journal import Journal
from tests import amounts

OWNER = {"entity": "Task", "host": "https://a.invalid", "tenant": None}
ROW = {"project_id": 1, "meta": {"password": "hush"}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "run.journal"


@contextlib.contextmanager
def opened(path: Path, **owner: Any) -> Iterator[Journal]:
    """Open it as the usual run, or as another one."""
    with journals.opened(journals.path_of(path), **{**OWNER, **owner}) as journal:
        yield journal


def fill(path: Path) -> list[str]:
    """Leave one row done, one refused and one of unknown outcome."""
    with opened(path) as journal:
        names = [journal.name({"n": n}) for n in range(3)]
        journal.sending(names, after=7)
        journal.settle({names[0]: 8})
        journal.withdraw([names[1]])
    return names


class TestContent:
    def test_is_taken_over_by_the_next_run(self, path):
        """What is done has its key; what was sent, and nobody knows more of, has the highest key of before."""
        names = fill(path)

        with opened(path) as journal:
            assert {names[0]: 8} == journal.done
            assert [(names[2], 7)] == list(journal.unsettled.items())

    def test_names_rows_by_value(self, path):
        """The same values have the same name in the next run, whatever their order; equal rows are numbered."""
        with opened(path) as journal:
            first = [journal.name(ROW), journal.name({"n": 1}), journal.name(ROW)]
        with opened(path) as journal:
            assert [first[1], first[0], first[2]] == [journal.name(each) for each in ({"n": 1}, ROW, ROW)]
        assert f"{first[0]}:2" == first[2]

    def test_tells_kinds_of_values_apart(self, path):
        """1, true and 1.0 are not the same row."""
        with opened(path) as journal:
            assert 4 == len({journal.name({"n": value}) for value in (1, True, 1.0, "1")})

    def test_holds_no_values(self, path):
        """Nobody reads values out of it, nor finds them by trying: the salt differs from file to file."""
        with opened(path) as journal:
            name = journal.name(ROW)
            journal.sending([name], after=None)
        with opened(path.with_name("other")) as other:
            assert name != other.name(ROW)

        assert all(word not in path.read_text() for word in ("hush", "password", "project"))

    def test_is_closed_to_others(self, path):
        """Only its owner may read it."""
        fill(path)

        assert 0o600 == path.stat().st_mode & 0o777


class TestDamage:
    @pytest.mark.parametrize("cut", [1, 5, 20, 40])
    def test_a_torn_last_line_is_dropped(self, path, cut):
        """What a dying process was about to say is cut off, and the file goes on behind it."""
        names = fill(path)
        path.write_bytes(path.read_bytes()[:-cut])

        with opened(path) as journal:
            assert {names[1], names[2]} == set(journal.unsettled)
            journal.withdraw([names[1]])
        with opened(path) as journal:
            assert [names[2]] == list(journal.unsettled)

    @pytest.mark.parametrize("left", [0, 1, 12, 60])
    def test_a_torn_first_line_begins_anew(self, path, left):
        """A process that died over the first line has sent nothing."""
        fill(path)
        path.write_bytes(path.read_bytes()[:left])

        with opened(path) as journal:
            assert ({}, {}) == (journal.done, journal.unsettled)
        assert 1 == len(path.read_bytes().splitlines())

    @pytest.mark.parametrize(
        "line",
        [
            b"\0\0\0",
            b"{}",
            b"[]",
            b'{"done": [1]}',
            b'{"sent": ["a"], "at": "x", "after": 1}',
            b'{"done": {"a": [1]}}',
            b'{"sent": [[]], "at": 1, "after": 1}',
            b'{"sent": ["a"], "at": NaN, "after": 1}',
            b"[" * 10**5,
            b"\xff",
        ],
        ids=["zeros", "nothing", "list", "done", "sent", "no key", "no name", "no time", "deep", "bytes"],
    )
    def test_a_damaged_line_is_told(self, path, line):
        """Nobody knows what is done: nothing is sent, and the file stays as it was."""
        fill(path)
        content = path.read_bytes().replace(b"\n", b"\n" + line + b"\n", 1)
        path.write_bytes(content)

        with (
            pytest.raises(QueryError, match=r"line 2 of the journal .* damaged.*Nothing was sent"),
            opened(path),
        ):
            pass
        assert content == path.read_bytes()

    @pytest.mark.parametrize(
        "content",
        [
            b"hello",
            b"hello\n",
            b"{}\n",
            b"[]\n",
            b'{"journal": "other", "version": 1, "salt": ""}\n',
            b"\0",
            b"\xff\n",
        ],
    )
    def test_another_file_is_left_alone(self, path, content):
        """A file that is no journal is refused as it is."""
        path.write_bytes(content)

        with pytest.raises(QueryError, match="is no journal of a bulk_create"), opened(path):
            pass
        assert content == path.read_bytes()


def flips(content: bytes) -> Iterator[bytes]:
    """Give it with one wrong bit, for each of its bits; in the quick run for one of each byte."""
    for place in range(len(content)):
        for bit in range(8) if amounts.is_full() else (place % 8,):
            flipped = bytearray(content)
            flipped[place] ^= 1 << bit
            yield bytes(flipped)


def taken(content: bytes) -> tuple[Any, bytes]:
    """Open it, and give what it tells, or how it is refused, and what the file holds then."""
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(content)
        file.seek(0)
        try:
            journal = Journal(Path("run.journal"), file.fileno(), owner=OWNER)
            told: Any = journal.done, set(journal.unsettled)
        except QueryError as error:
            told = "Nothing was sent" in str(error)
        file.seek(0)
        return told, file.read()


class TestFlips:
    def test_of_any_bit_are_damage(self, path):
        """A journal with one wrong bit is refused and kept, header and last line included."""
        fill(path)

        assert [] == [each for each in flips(path.read_bytes()) if taken(each) != (True, each)]

    def test_of_a_cut_journal_tell_of_no_other_rows(self, path):
        """Where the last line was cut besides, the journal is refused and kept, or means what it meant."""
        names = fill(path)
        meant = {names[0]: 8}, set(names[1:])

        for each in flips(path.read_bytes()[:-30]):
            told, kept = taken(each)
            assert told == meant or (told, kept) == (True, each)

    @pytest.mark.parametrize("lost", [1, 2])
    def test_a_line_that_is_missing_is_noticed(self, path, lost):
        """Each checksum is over all lines before it."""
        fill(path)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:lost] + lines[lost + 1 :]))

        with pytest.raises(QueryError, match=f"line {lost + 1} of the journal"), opened(path):
            pass


class TestOld:
    """Journals of 0.1.0, whose lines have no checksums."""

    def old(self, path: Path) -> list[str]:
        """Leave a journal as that release did."""
        names = fill(path)
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        for line in lines:
            del line["crc"]
        lines[0]["version"] = 1
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return names

    def test_go_on(self, path):
        """They are taken over, and stay as they are."""
        names = self.old(path)
        with opened(path) as journal:
            journal.settle({names[2]: 9})

        with opened(path) as journal:
            assert ({names[0]: 8, names[2]: 9}, {}) == (journal.done, journal.unsettled)
        assert "crc" not in path.read_text()

    def test_are_old_throughout(self, path):
        """One line with a checksum, and the others have lost theirs."""
        names = self.old(path)
        with path.open("ab") as file:
            file.write(b'{"done": {"%s": 9}, "crc": "00000000"}\n' % names[2].encode())

        with pytest.raises(QueryError, match=r"line 5 .* damaged"), opened(path):
            pass


class TestOwner:
    @pytest.mark.parametrize("owner", [{"entity": "TaskTag"}, {"host": "https://b.invalid"}, {"tenant": "b"}])
    def test_is_the_same_for_every_run(self, path, owner):
        """A journal of another entity, backend or workspace knows other rows."""
        fill(path)
        content = path.read_bytes()

        with (
            pytest.raises(QueryError, match=f"its {next(iter(owner))} is .*of its own"),
            opened(path, **owner),
        ):
            pass
        assert content == path.read_bytes()

    def test_of_a_later_version_is_refused(self, path):
        """A newer release may write what this one does not understand."""
        fill(path)
        path.write_text(f'{{"journal": "synapse bulk_create", "version": 3, "owner": {json.dumps(OWNER)}}}\n')

        with pytest.raises(QueryError, match="its version is 3"), opened(path):
            pass

    def test_is_one_run_at_a_time(self, path):
        """A second run is refused while the first has it, by another name for the file as well."""
        alias = path.with_name("alias")
        alias.symlink_to(path)

        with opened(path), pytest.raises(QueryError, match="another run is using the journal"), opened(alias):
            pass
        with opened(alias):
            pass


class TestPlace:
    def test_without_room_stops_before_anything_is_sent(self, path):
        """What cannot be noted raises; what was noted before can be read."""
        names = fill(path)
        with opened(path) as journal, small_files(path.stat().st_size + 40):
            for _ in range(2):
                with pytest.raises(ConfigError, match=r"cannot be written to .* no more was sent"):
                    journal.sending(names[:1] * 9, after=1)
            journal.settle({names[2]: 9})

        with opened(path) as journal:
            assert ({names[0]: 8}, [names[2]]) == (journal.done, list(journal.unsettled))

    @pytest.mark.parametrize("place", ["none/run.journal", "file/run.journal", "n" * 300])
    def test_that_cannot_be_is_refused(self, tmp_path, place):
        """A missing folder is not made: it may be a slip."""
        (tmp_path / "file").touch()

        with pytest.raises(ConfigError, match="cannot be used"), opened(tmp_path / place):
            pass
        assert ["file"] == [each.name for each in tmp_path.iterdir()]

    def test_with_a_second_name_is_refused(self, path):
        """Two runs that come by two hard links would meet two locks."""
        fill(path)
        path.with_name("other").hardlink_to(path)

        with pytest.raises(ConfigError, match=r"a hard link.*Nothing was sent"), opened(path):
            pass

    def test_that_is_no_file_is_refused(self, tmp_path):
        """A folder or a pipe is no journal; a pipe would wait for ever."""
        os.mkfifo(tmp_path / "pipe")

        for place in (tmp_path, tmp_path / "pipe", Path("/dev/null")):
            with pytest.raises(QueryError, match="is no journal"):
                journals.path_of(place)

    @pytest.mark.parametrize(
        "put", [Path.symlink_to, Path.hardlink_to, shutil.copy, lambda lock, _: lock.mkdir()]
    )
    def test_with_another_file_for_a_lock_is_refused(self, path, put):
        """A file in the place of the lock is neither emptied nor locked."""
        other = path.with_name("letter.txt")
        other.write_text("dear all")
        lock = path.with_name("run.journal.lock")
        put(*((other, lock) if put is shutil.copy else (lock, other)))

        with pytest.raises(ConfigError, match="not the lock that belongs beside it"), opened(path):
            pass
        assert ("dear all", False) == (other.read_text(), path.exists())

    def test_that_takes_no_file_is_refused(self, path, monkeypatch):
        """A folder may take the lock and no more, as at the end of a quota."""
        monkeypatch.setattr(journals, "_open", lambda _: no_room())

        with pytest.raises(ConfigError, match=r"no room.*Nothing was sent"), opened(path):
            pass

    def test_without_locks_is_refused(self, path, monkeypatch):
        """On a share without locks, two runs could not be kept apart."""
        monkeypatch.setattr("filelock.FileLock.acquire", lambda *_, **__: no_locks())

        with pytest.raises(ConfigError, match=r"no locks.*takes locks\. Nothing was sent"), opened(path):
            pass


def no_room() -> int:
    """Do as a full disk does."""
    raise OSError("no room here")


def no_locks() -> None:
    """Do as a file system without locks does."""
    raise NotImplementedError("no locks here")


@contextlib.contextmanager
def small_files(most: int) -> Iterator[None]:
    """Let no file grow beyond so many bytes, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_each_line_is_json(path):
    """Whoever wants to look can."""
    fill(path)

    kinds = [next(iter(json.loads(line))) for line in path.read_text().splitlines()]
    assert ["journal", "sent", "done", "undone"] == kinds
