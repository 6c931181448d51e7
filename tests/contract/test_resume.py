"""Uploads whose process is killed, and what the next one makes of them."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from synapse import DataFile, Model, Session
from synapse.sandbox import Sandbox
from synapse.uploads import upload_file
from synapse.uploads.chunked import CHUNK
from synapse.uploads.local_state import DATABASE
from tests.amounts import part
from tests.contract.conftest import connected

PART = 256 * 1024
SIZE = 4 * PART
"""Four chunks: requests 1 to 4 send them, 5 completes the upload, 6 registers it."""

UPLOADER = Path(__file__).with_name("uploader.py")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """The folder that the journal lies in."""
    return tmp_path / "state"


@pytest.fixture
def session(box: Sandbox, state: Path) -> Iterator[Session]:
    """A session that finds what a killed one left behind."""
    made = connected(box, "contract", state_dir=state)
    with made:
        yield made
    made.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file whose content no other test has."""
    path = tmp_path / "scan 사진.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


def started(box: Sandbox, state: Path, path: Path, **how: Any) -> subprocess.Popen[str]:
    """Start a process that uploads a file."""
    told = {
        "url": box.url,
        "token": box.tenants["contract"].api_token,
        "state": str(state),
        "path": str(path),
    }
    command = [sys.executable, str(UPLOADER), json.dumps({**told, "part": PART, **how})]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def killed(box: Sandbox, state: Path, path: Path, **when: Any) -> None:
    """Upload a file in a process that is killed at some moment."""
    process = started(box, state, path, **when)
    process.communicate(timeout=60)

    assert -signal.SIGKILL == process.returncode


def uploaded(session: Session, path: Path) -> tuple[dict[str, Any], list[str]]:
    """Upload a file as any program does, and return its row and the requests that it took."""
    with session.trace() as calls:
        row = upload_file(session, path, chunked=True, chunk_size=PART)
    return row, [call.method for call in calls]


def md5(path: Path) -> str:
    """Return the MD5 of a file."""
    return hashlib.md5(path.read_bytes()).hexdigest()


def remembered(state: Path) -> bool:
    """Whether the journal holds anything of any upload."""
    database = sqlite3.connect(state / "uploads" / DATABASE)
    (count,) = database.execute("SELECT count(*) FROM uploads").fetchone()
    database.close()
    return bool(count)


MOMENTS = {
    "in the first chunk": ({"at": PART // 2}, ["PUT"] * 4 + ["POST", "POST"]),
    "before the first answer is noted": ({"after": 1}, ["PUT"] * 4 + ["POST", "POST"]),
    "before the second chunk": ({"before": 2}, ["GET"] + ["PUT"] * 3 + ["POST", "POST"]),
    "in the third chunk": ({"at": 2 * PART + PART // 2}, ["GET", "PUT", "PUT", "POST", "POST"]),
    "when the third chunk has arrived": ({"after": 3}, ["GET", "PUT", "POST", "POST"]),
    "before the upload is completed": ({"before": 5}, ["GET", "POST", "POST"]),
    "when the upload is completed": ({"after": 5}, ["GET", "POST"]),
    "before it is registered": ({"before": 6}, ["GET", "POST"]),
    "when it is registered": ({"after": 6}, ["GET", "POST"]),
}


class TestKilled:
    @pytest.mark.parametrize("moment", part(MOMENTS, 1))
    def test_goes_on_where_the_backend_is(
        self, box: Sandbox, session: Session, state: Path, path: Path, tables: Any, moment: str
    ) -> None:
        """The next call sends what is missing, at most one chunk again, and there is one data file."""
        when, expected = MOMENTS[moment]
        killed(box, state, path, **when)
        row, sent = uploaded(session, path)

        assert (md5(path), SIZE, expected) == (row["checksum"], row["size"], sent)
        assert 1 == tables.DataFile.objects.filter(checksum=md5(path)).count()
        assert not remembered(state)

    @pytest.mark.full
    def test_again_and_again_gets_there(
        self, box: Sandbox, session: Session, state: Path, path: Path
    ) -> None:
        """A process that is killed at any time, over and over, has its file uploaded in the end."""
        delays, code = iter([0.05, 0.0, 0.2, 0.11, 0.3, 0.17, 0.02]), -signal.SIGKILL
        while code == -signal.SIGKILL:
            process = started(box, state, path, pause=0.02)
            assert process.stdout is not None
            process.stdout.readline()
            delay = next(delays, None)
            if delay is not None:
                time.sleep(delay)
                process.kill()
            process.communicate(timeout=60)
            code = process.returncode

        assert (0, md5(path)) == (code, uploaded(session, path)[0]["checksum"])

    @pytest.mark.parametrize(
        ("number", "expected"), [(2, ["GET", "PUT", "POST", "POST"]), (4, ["GET", "POST"])]
    )
    def test_model_goes_on_as_well(
        self, box: Sandbox, session: Session, state: Path, path: Path, number: int, expected: list[str]
    ) -> None:
        """The archive of a model goes on with its second chunk, or with what comes after the last."""
        os.truncate(path, CHUNK + PART)
        killed(box, state, path, model=True, before=number)
        with session.trace() as calls:
            model = Model.objects.create(name="model", file=path)

        assert expected == [call.method for call in calls]
        assert model.file is not None and md5(path) == md5(Path(model.file.download(state)))
        assert not remembered(state)


class TestRemembered:
    def test_is_begun_anew_if_it_has_expired(
        self, box: Sandbox, session: Session, state: Path, path: Path, tables: Any
    ) -> None:
        """The backend drops an upload after a day, by its own clock."""
        killed(box, state, path, before=3)
        uploads = tables.ChunkedUpload.objects.filter(offset=2 * PART, status=1)
        uploads.update(created_at="2026-01-01T00:00:00Z")
        row, sent = uploaded(session, path)

        assert (md5(path), ["GET", *["PUT"] * 5, "POST", "POST"]) == (row["checksum"], sent)

    def test_is_begun_anew_if_it_is_gone(
        self, box: Sandbox, session: Session, state: Path, path: Path, tables: Any
    ) -> None:
        """A backend that knows nothing of the upload gets it from its first byte."""
        killed(box, state, path, before=3)
        tables.ChunkedUpload.objects.filter(offset=2 * PART, status=1).delete()
        row, sent = uploaded(session, path)

        assert (md5(path), ["GET", *["PUT"] * 4, "POST", "POST"]) == (row["checksum"], sent)

    def test_is_of_no_use_to_another_workspace(
        self, box: Sandbox, stranger: Session, state: Path, path: Path
    ) -> None:
        """Whoever may not see the upload has one of their own."""
        killed(box, state, path, before=3)
        access = box.tenants["stranger"]
        with Session(box.url, api_token=access.api_token, state_dir=state) as other:
            row, _ = uploaded(other, path)
        other.close()

        assert md5(path) == row["checksum"]

    @pytest.mark.parametrize("request_number", [3, 6])
    def test_is_not_taken_for_other_content(
        self, box: Sandbox, session: Session, state: Path, path: Path, request_number: int
    ) -> None:
        """A file that was changed since, behind the back of its times, is sent as it is now."""
        killed(box, state, path, before=request_number)
        before = path.stat()
        with path.open("r+b") as file:
            file.write(b"other")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        row, _ = uploaded(session, path)

        assert md5(path) == row["checksum"]

    def test_is_of_no_use_once_the_file_is_another(
        self, box: Sandbox, session: Session, state: Path, path: Path
    ) -> None:
        """A file that was written to since is sent from its first byte."""
        killed(box, state, path, before=3)
        path.write_bytes(os.urandom(SIZE))
        row, sent = uploaded(session, path)

        assert (md5(path), ["PUT"] * 4 + ["POST", "POST"]) == (row["checksum"], sent)


class TestAtOnce:
    def test_in_threads(self, session: Session, state: Path, path: Path) -> None:
        """Threads that upload the same file at once all end with the same data file."""
        gate = threading.Barrier(4)

        def upload(_: int) -> Any:
            gate.wait()
            return upload_file(session, path, chunked=True, chunk_size=PART)["id"]

        with ThreadPoolExecutor(4) as pool:
            keys = set(pool.map(upload, range(4)))

        assert (1, md5(path)) == (len(keys), DataFile.objects.get(id=keys.pop()).checksum)
        assert not remembered(state)

    def test_in_processes(self, box: Sandbox, session: Session, state: Path, path: Path) -> None:
        """So do processes, of which one goes on with what a killed one left behind."""
        killed(box, state, path, before=3)
        processes = [started(box, state, path) for _ in range(3)]
        rows = [json.loads(process.communicate(timeout=60)[0].splitlines()[-1]) for process in processes]

        assert [(md5(path), rows[0]["id"])] * 3 == [(row["checksum"], row["id"]) for row in rows]
        assert not remembered(state)
