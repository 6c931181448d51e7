"""Many files into one folder: each in its own place, none outside, and the report says which."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse.downloads import Downloads, RemoteFile, WantedFile, download_files
from synapse.errors import (
    BulkError,
    NotFoundError,
    PermissionDeniedError,
    QueryError,
    TransferError,
    TransportError,
)
from synapse.session import Session
from synapse.transfer import ProgressStep
from synapse.uploads import upload_file
from tests.servers import Received, Server, reply
from tests.unit.transfer.conftest import MakeFile, Scripted

SLOW = """
import sys
from synapse.session import Session
from synapse.downloads import RemoteFile, WantedFile, download_files

session = Session(sys.argv[1], api_token="token", state_dir=False)
wanted = [WantedFile(key, "", RemoteFile(url="/slow", name="a", size=2**30, session=session)) for key in range(4)]
download_files(session, wanted, folder=sys.argv[2], workers=2)
"""
HELLO = "data:text/plain;base64,aGVsbG8="


def hello(key: object = 1, name: str = "a.txt", *, specification: str = "", **values: Any) -> WantedFile:
    """Want a file that needs no network."""
    return WantedFile(key, specification, RemoteFile(url=HELLO, name=name, **values))


def paths(report: Downloads) -> list[str]:
    """Give where the files of a report are, below its folder."""
    return [outcome.path.relative_to(report.folder).as_posix() for outcome in report if outcome.path]


def save(session: Session, *wanted: WantedFile, to: Path, **options: Any) -> Downloads:
    """Download what is wanted."""
    return download_files(session, wanted, folder=to, **options)


class TestPlaces:
    @pytest.mark.parametrize(
        ("specification", "name", "path"),
        [
            ("image_1", "a.png", "image_1/7_a.png"),
            ("", "a.png", "7_a.png"),
            ("image_1", "../../etc/passwd", "image_1/7_passwd"),
            ("../../etc", "a", "etc/7_a"),
            ("..", "..", "file/7_file"),
            ("C:\\Windows", "con.txt", "Windows/7__con.txt"),
            ("/abs", "사진\u202egnp.exe", "abs/7_사진gnp.exe"),
            ("image_1#2", "a\x00b", "image_1#2/7_ab"),
            ("", "가" * 100 + ".png", f"7_{'가' * 78}.png"),
        ],
    )
    def test_are_named_by_specification_key_and_name(
        self, session: Session, tmp_path: Path, specification: str, name: str, path: str
    ) -> None:
        """A place is told by what the file is, and whatever its names are, it lies in the folder."""
        report = save(session, hello(7, name, specification=specification), to=tmp_path)

        assert [path] == paths(report)
        assert b"hello" == (tmp_path / path).read_bytes()

    def test_of_one_row_never_meet(self, session: Session, tmp_path: Path) -> None:
        """Files of a row whose names are one on some system get numbers, the same ones in every run."""
        wanted = [hello(1, "a.txt"), hello(1, "A.TXT"), hello(1, "x/a.txt"), hello(2, "a.txt")]
        runs = [save(session, *wanted, to=tmp_path) for _ in range(2)]

        assert [["1_a.txt", "1_2_A.TXT", "1_3_a.txt", "2_a.txt"]] * 2 == [paths(run) for run in runs]
        assert (4, 4) == (len(runs[0].downloaded), len(runs[1].present))

    @pytest.mark.parametrize("specification", [".ssh", ".synapse-" + "0" * 32 + ".part"])
    def test_hide_nothing(self, session: Session, tmp_path: Path, specification: str) -> None:
        """No name of a specification makes a hidden folder, and none of a file a draft of ours."""
        wanted = hello(1, f".synapse-{'0' * 32}.part", specification=specification)
        report = save(session, wanted, to=tmp_path)

        assert [f"_{specification}/1__.synapse-{'0' * 32}.part"] == paths(report)

    def test_never_lead_through_a_link(self, session: Session, tmp_path: Path) -> None:
        """A sub-folder that is a link out of the folder takes no file; the others go on."""
        out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
        for folder in (out, elsewhere):
            folder.mkdir()
        (out / "image_1").symlink_to(elsewhere)
        report = save(session, hello(specification="image_1"), hello(specification="image_2"), to=out)

        assert ([], ["image_2/1_a.txt"]) == (list(elsewhere.iterdir()), paths(report))
        assert "a link that leads out of" in str(report.failed[0].error)

    def test_that_cannot_be_made_fail_alone(self, session: Session, tmp_path: Path) -> None:
        """A file in the place of a sub-folder keeps only its own files from coming."""
        (tmp_path / "image_1").write_bytes(b"mine")
        report = save(session, hello(specification="image_1"), hello(2), to=tmp_path)

        assert ("cannot be made" in str(report[0].error), 1) == (True, len(report.downloaded))

    def test_replace_a_link_and_not_what_it_leads_to(self, session: Session, tmp_path: Path) -> None:
        """A link in the place of a file is another file, and makes room on demand only."""
        victim = tmp_path / "victim"
        victim.write_bytes(b"mine")
        (tmp_path / "1_a.txt").symlink_to(victim)
        first = save(session, hello(size=5), to=tmp_path)
        second = save(session, hello(size=5), to=tmp_path, overwrite=True)

        assert (1, 1, b"mine") == (len(first.failed), len(second.downloaded), victim.read_bytes())
        assert not (tmp_path / "1_a.txt").is_symlink()


class TestPresent:
    @pytest.mark.parametrize("values", [{}, {"size": 5}, {"checksum": hashlib.md5(b"hello").hexdigest()}])
    def test_is_what_nothing_speaks_against(
        self, session: Session, tmp_path: Path, values: dict[str, Any]
    ) -> None:
        """A second run fetches nothing that is there."""
        first = save(session, hello(**values), to=tmp_path)
        second = save(session, hello(**values), to=tmp_path)

        assert (["downloaded"], ["present"]) == (
            [each.status for each in first],
            [each.status for each in second],
        )
        assert (5, 0) == (first.bytes_received, second.bytes_received)

    @pytest.mark.parametrize("values", [{"size": 5}, {"checksum": hashlib.sha1(b"hello").hexdigest()}])
    @pytest.mark.parametrize("overwrite", [False, True])
    def test_is_not_what_differs(
        self, session: Session, tmp_path: Path, values: dict[str, Any], overwrite: bool
    ) -> None:
        """Another file in the place is kept, and the outcome failed; with `overwrite` it makes room."""
        (tmp_path / "1_a.txt").write_bytes(b"my own")
        report = save(session, hello(**values), to=tmp_path, overwrite=overwrite)

        status = "downloaded" if overwrite else "failed"
        assert (status, b"hello" if overwrite else b"my own") == (
            report[0].status,
            (tmp_path / "1_a.txt").read_bytes(),
        )

    def test_is_no_folder(self, session: Session, tmp_path: Path) -> None:
        """A folder in the place of a file is left as it is, whatever is asked."""
        (tmp_path / "1_a.txt").mkdir()
        runs = [save(session, hello(), to=tmp_path, overwrite=overwrite) for overwrite in (False, True)]

        assert [1, 1] == [len(run.failed) for run in runs]
        assert (tmp_path / "1_a.txt").is_dir()

    def test_is_what_is_surely_the_same_even_with_overwrite(self, session: Session, tmp_path: Path) -> None:
        """With `overwrite`, a file is spared the way if its checksum proves it, and fetched if not."""
        checksum = hashlib.md5(b"hello").hexdigest()
        wanted = [hello(1, checksum=checksum), hello(2, size=5)]
        save(session, *wanted, to=tmp_path)
        report = save(session, *wanted, to=tmp_path, overwrite=True)

        assert ["present", "downloaded"] == [each.status for each in report]


class TestReport:
    def test_tells_of_every_file_in_order(self, scripted: Scripted, tmp_path: Path) -> None:
        """One bad file stops no other, and prints with its reason."""
        _, session = scripted(reply(404, {"detail": "Not found."}))
        bad = WantedFile(2, "image_1", RemoteFile(url="/gone.png", session=session))
        broken = WantedFile(3, "", error=TransferError("no file can be read from the row"))
        report = save(session, hello(1), bad, broken, hello(4), to=tmp_path, workers=2)

        assert ["downloaded", "failed", "failed", "downloaded"] == [each.status for each in report]
        assert [1, 2, 3, 4] == [each.key for each in report[:]]
        assert isinstance(report[1].error, NotFoundError)
        assert str(report).splitlines()[:4] == [
            "downloaded           2",
            "present              0",
            "failed               2",
            "received            10 bytes",
        ]
        assert "failed: 3: no file can be read from the row" == str(report).splitlines()[-1]

    def test_shows_a_few_of_many_failures(self, session: Session, tmp_path: Path) -> None:
        """A report of many failures stays short."""
        wanted = [WantedFile(number, "", error=TransferError("no")) for number in range(8)]
        report = save(session, *wanted, to=tmp_path)

        assert ("… and 3 more", 10) == (str(report).splitlines()[-1], len(str(report).splitlines()))
        assert "<Downloads of 8 files, 8 failed>" == repr(report)

    def test_takes_little_room(self, tmp_path: Path) -> None:
        """A hundred thousand outcomes take a hundred bytes each or so."""
        report = Downloads(tmp_path)
        for key in range(1000):
            report.record(key, "image_1", path=f"image_1/{key}_photo.png", status="downloaded", size=5)
        held = [
            report._keys,
            report._specifications,
            report._statuses,
            report._sizes,
            report._paths,
            report._ends,
        ]

        assert sum(map(sys.getsizeof, held)) + 28 * 1000 < 110 * 1000

    def test_counts_bytes_as_they_are_found(self, session: Session, tmp_path: Path) -> None:
        """The total grows with every file that is to be fetched, and ends at what was fetched."""
        steps = list[ProgressStep]()
        wanted = [hello(1, size=5), hello(2), hello(3, size=5)]
        save(session, *wanted, to=tmp_path, progress=steps.append, workers=1)
        save(session, *wanted, to=tmp_path, progress=steps.append, workers=1)

        assert [(0, None), (5, 5), (10, 5), (15, 15), (0, None)] == [
            (step.done, step.total) for step in steps
        ]


class TestEnd:
    def test_raises_at_the_first_failure_if_asked_to(self, session: Session, tmp_path: Path) -> None:
        """With `on_error="raise"` the run ends, and says what is done."""
        wanted = [hello(1), WantedFile(2, "", error=TransferError("no")), hello(3)]
        with pytest.raises(BulkError, match="the download ended: no. 1 files are there, 1 failed") as caught:
            save(session, *wanted, to=tmp_path, on_error="raise", workers=1)

        ended: Any = caught.value
        assert ([1], [2]) == ([each.key for each in ended.succeeded], [each.key for each, _ in ended.failed])

    def test_raises_nothing_without_a_failure(self, session: Session, tmp_path: Path) -> None:
        """A run without failures gives its report, whatever was asked."""
        assert 1 == len(save(session, hello(), to=tmp_path, on_error="raise"))

    def test_of_the_rows_keeps_what_was_done(self, session: Session, tmp_path: Path) -> None:
        """A query that breaks in the middle ends the run, and all before it are there."""

        def rows() -> Iterator[WantedFile]:
            yield hello(1)
            yield hello(2)
            raise TransportError("the line is dead")

        with pytest.raises(BulkError, match="the line is dead. 2 files are there") as caught:
            download_files(session, rows(), folder=tmp_path)

        assert isinstance(caught.value.__cause__, TransportError)

    def test_before_the_first_row_is_what_it_is(self, session: Session, tmp_path: Path) -> None:
        """A query that cannot be read at all raises its own error."""

        def rows() -> Iterator[WantedFile]:
            raise QueryError("no such thing")
            yield

        with pytest.raises(QueryError, match="no such thing"):
            download_files(session, rows(), folder=tmp_path)

    def test_comes_when_no_answer_does(self, session: Session, tmp_path: Path) -> None:
        """A host that does not answer any more is left after some files, not asked for a million."""
        gone = Session("http://127.0.0.1:9", api_token="token", retry=session.settings.retry)
        wanted = [WantedFile(key, "", RemoteFile(url=f"/{key}", session=gone)) for key in range(50)]
        with pytest.raises(BulkError, match="no connection") as caught:
            save(session, *wanted, to=tmp_path, workers=2)

        assert len(caught.value.failed) < 20


class TestLeftovers:
    def test_of_killed_processes_are_dropped_after_a_day(self, session: Session, tmp_path: Path) -> None:
        """A draft that none can go on with goes, wherever the run puts files; all others stay."""
        old, new, lasting = (f".synapse-{letter}.part" for letter in ("a" * 32, "b" * 32, "c" * 20))
        others = (".synapse-mine.part", f"{'a' * 32}.part")
        for folder in (tmp_path, tmp_path / "image_1"):
            folder.mkdir(exist_ok=True)
            for name in (old, new, lasting, *others):
                (folder / name).touch()
                os.utime(folder / name, None if name == new else (0, 0))
        save(session, hello(1), hello(2, specification="image_1"), to=tmp_path)
        left = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.part")]

        assert sorted(
            f"{part}{name}" for part in ("", "image_1/") for name in (new, lasting, *others)
        ) == sorted(left)


class TestStop:
    def test_breaks_off_what_is_under_way(self, scripted: Scripted, tmp_path: Path) -> None:
        """A run that ends at a failure leaves no thread that goes on with the other files."""
        _, session = scripted(trickle)
        wanted = [
            WantedFile(1, "", RemoteFile(url="/slow", name="a", size=2**30, session=session)),
            WantedFile(2, "", error=TransferError("no")),
        ]
        with pytest.raises(BulkError, match="the download ended"):
            save(session, *reversed(wanted), to=tmp_path, on_error="raise", workers=2)
        wait_for_threads()

        assert [] == list(tmp_path.iterdir())

    def test_by_ctrl_c_ends_the_process(self, tmp_path: Path) -> None:
        """Ctrl-C in the middle of large files ends the process soon."""
        with Server(trickle) as server:
            command = [sys.executable, "-c", SLOW, server.origin, str(tmp_path)]
            with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
                while not server.received:
                    time.sleep(0.02)
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=20)

        assert b"KeyboardInterrupt" in said


def trickle(connection: socket.socket, request: Received) -> None:
    """Send a file that takes a minute."""
    connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {2**30}\r\n\r\n".encode())
    for _ in range(600):
        connection.sendall(bytes(2**20))
        time.sleep(0.1)


def wait_for_threads() -> None:
    """Wait until no worker is left."""
    until = time.monotonic() + 20
    while any(thread.name.startswith("synapse-call") for thread in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.02)


class TestSignedAddress:
    def wanted(self, session: Session, url: str, *, fresh: RemoteFile | None | Exception) -> WantedFile:
        """Want a file whose row can be asked for again."""

        def renew() -> RemoteFile | None:
            if isinstance(fresh, Exception):
                raise fresh
            return fresh

        return WantedFile(1, "", RemoteFile(url=url, name="a.txt", session=session), renew=renew)

    def test_that_ran_out_is_asked_for_again(self, scripted: Scripted, tmp_path: Path) -> None:
        """An address that is refused by the time its turn comes is taken anew from its row, once."""

        def answer(connection: Any, request: Received) -> None:
            good = "sig=2" in request.target
            connection.sendall(reply(raw=b"hello") if good else reply(403, {"detail": "Request has expired"}))

        server, session = scripted(answer)
        fresh = RemoteFile(url="/a.txt?sig=2", name="a.txt", session=session)
        report = save(session, self.wanted(session, "/a.txt?sig=1", fresh=fresh), to=tmp_path)

        assert (["/a.txt?sig=1", "/a.txt?sig=2"], 1) == (
            [each.target for each in server.received],
            len(report.downloaded),
        )

    @pytest.mark.parametrize("fresh", ["same", None, QueryError("cannot be read one by one")])
    def test_that_stays_refused_is_the_error(self, scripted: Scripted, tmp_path: Path, fresh: Any) -> None:
        """Without another address, the refusal stands."""
        _, session = scripted(reply(403, {}))
        url = "/a.txt?sig=1"
        known = RemoteFile(url=url, session=session) if fresh == "same" else fresh
        report = save(session, self.wanted(session, url, fresh=known), to=tmp_path)

        assert isinstance(report.failed[0].error, PermissionDeniedError)


def test_uploaded_files_come_back_the_same(session: Session, make_file: MakeFile, tmp_path: Path) -> None:
    """Many files of one backend come side by side, each the right one."""
    files = [make_file(f"사진 {number}.bin", size=1000 + number) for number in range(20)]
    rows = [upload_file(session, path) for path in files]
    wanted = [
        WantedFile(
            row["id"],
            "",
            RemoteFile(url=row["file"], name=path.name, size=row["size"], checksum=row["checksum"]),
        )
        for row, path in zip(rows, files, strict=True)
    ]
    report = save(session, *wanted, to=tmp_path / "out", workers=8)

    assert [path.read_bytes() for path in files] == [each.path.read_bytes() for each in report if each.path]
