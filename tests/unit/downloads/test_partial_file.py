"""What has come of a large file stays beside its place, and the next call goes on from there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

from pathlib import Path
from typing import Any

import pytest

from filelock import FileLock

from synapse.downloads import RemoteFile
from synapse.downloads import partial_file as draft
from synapse.errors import TransferError, TransportError
from synapse.session import Session
from synapse.transfer import ProgressStep
from tests.servers import reply
from tests.unit.downloads.file_server import Shelf
from tests.unit.transfer.conftest import Scripted

MIB = 1024 * 1024
CONTENT = os.urandom(4 * MIB)
MD5 = hashlib.md5(CONTENT).hexdigest()

SCRIPT = """
import sys
from synapse.session import Session
from synapse.downloads import RemoteFile

session = Session(sys.argv[1], api_token="token", state_dir=False)
RemoteFile(url="/media/a.bin?sig=first", size=int(sys.argv[3]), session=session).download(sys.argv[2])
"""


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a mebibyte be large."""
    monkeypatch.setattr(draft, "LARGE", MIB)


def remote(session: Session, **values: Any) -> RemoteFile:
    """Make a remote file of CONTENT."""
    return RemoteFile(**{"url": "/media/a.bin?sig=1", "size": len(CONTENT), "session": session, **values})


def broken(scripted: Scripted, folder: Path, **values: Any) -> tuple[Shelf, Session]:
    """Let a download break off after 2 MiB and a bit, and mend the server."""
    shelf = Shelf(CONTENT, cuts=[2 * MIB + 5, 0, 0], **values)
    _, session = scripted(shelf, retries=1)
    with pytest.raises(TransportError):
        remote(session).download(folder)
    shelf.cuts.clear()
    shelf.asked.clear()
    return shelf, session


def names(folder: Path) -> list[str]:
    """List the endings of what lies in a folder."""
    return sorted(path.name if path.name[0] != "." else path.suffix for path in folder.iterdir())


def rest(content: bytes, **headers: str) -> bytes:
    """Answer these bytes as those from the second mebibyte on."""
    place = ("Content-Range", f"bytes {2 * MIB}-{4 * MIB - 1}/{4 * MIB}")
    return reply(206, raw=content, headers=[place, *headers.items()])


class TestNextCall:
    def test_is_never_glued_to_another_version(self, scripted: Scripted, tmp_path: Path) -> None:
        """A rest that does not say which version it is of is thrown away, and what had come before as well."""
        broken(scripted, tmp_path)
        server, session = scripted(rest(bytes(2 * MIB)), Shelf(CONTENT))
        target = remote(session).download(tmp_path)

        assert MD5 == hashlib.md5(target.read_bytes()).hexdigest()
        assert [f"bytes={2 * MIB}-", ""] == [each.headers.get("range", "") for each in server.received]

    def test_keeps_nothing_that_is_not_the_file(self, scripted: Scripted, tmp_path: Path) -> None:
        """A rest that is longer than was announced leaves nothing to go on with."""
        broken(scripted, tmp_path)
        _, session = scripted(rest(bytes(2 * MIB + 1), ETag='"v1"'))
        with pytest.raises(TransferError, match="sent more than"):
            remote(session, size=None).download(tmp_path)

        assert [] == names(tmp_path)

    def test_goes_on(self, scripted: Scripted, tmp_path: Path) -> None:
        """Only the missing bytes are asked for, whatever the signature by now, and nothing else stays."""
        shelf, session = broken(scripted, tmp_path)
        kept = names(tmp_path)
        target = remote(session, url="/media/a.bin?sig=2", checksum=MD5).download(tmp_path)

        assert [".json", ".part"] == kept
        assert ([f"bytes={2 * MIB}-"], ["a.bin"]) == (shelf.asked, names(tmp_path))
        assert target.read_bytes() == CONTENT

    def test_tells_progress_from_there(self, scripted: Scripted, tmp_path: Path) -> None:
        """What is there already counts as done, and says nothing of the rate."""
        _, session = broken(scripted, tmp_path)
        steps = list[ProgressStep]()
        remote(session).download(tmp_path, progress=steps.append)

        assert [0, 2 * MIB, 3 * MIB, 4 * MIB] == [step.done for step in steps]
        assert None is steps[1].rate

    def test_asks_for_nothing_if_all_is_there(self, scripted: Scripted, tmp_path: Path) -> None:
        """A call that died before the last rename is finished without a request."""
        shelf, session = broken(scripted, tmp_path)
        next(tmp_path.glob("*.part")).write_bytes(CONTENT)
        target = remote(session, checksum=MD5).download(tmp_path)

        assert ([], CONTENT) == (shelf.asked, target.read_bytes())

    @pytest.mark.parametrize("change", ["etag", "address", "note", "no note", "too long"])
    def test_begins_anew_with_another_file(self, scripted: Scripted, tmp_path: Path, change: str) -> None:
        """Bytes of another version, another address or of nobody knows what are thrown away."""
        shelf, session = broken(scripted, tmp_path)
        note, part = next(tmp_path.glob("*.json")), next(tmp_path.glob("*.part"))
        url, other = "/media/a.bin", os.urandom(len(CONTENT))
        if change == "etag":
            shelf.etag = '"v2"'
        elif change == "address":
            url = "/media/b.bin"
        elif change == "too long":
            part.write_bytes(CONTENT * 2)
        else:
            note.write_text("{" if change == "note" else "[]")
        shelf.content = other
        target = remote(session, url=url, name="a.bin").download(tmp_path)

        assert (True, ["a.bin"]) == (target.read_bytes() == other, names(tmp_path))

    def test_drops_what_turns_out_damaged(self, scripted: Scripted, tmp_path: Path) -> None:
        """Bytes that do not fit are not gone on from for ever."""
        _, session = broken(scripted, tmp_path)
        next(tmp_path.glob("*.part")).write_bytes(b"x" * 2 * MIB)
        with pytest.raises(TransferError, match="arrived damaged: its MD5"):
            remote(session, checksum=MD5).download(tmp_path)

        assert [] == names(tmp_path)
        assert remote(session, checksum=MD5).download(tmp_path).read_bytes() == CONTENT

    def test_leaves_a_draft_that_another_call_has(self, scripted: Scripted, tmp_path: Path) -> None:
        """A second call at the same time fetches on its own, and both are fine."""
        shelf, session = broken(scripted, tmp_path)
        note = next(tmp_path.glob("*.json"))
        with FileLock(note.with_suffix(".lock")):
            target = remote(session).download(tmp_path)

        assert ([""], True) == (shelf.asked, target.read_bytes() == CONTENT)
        assert [".json", ".lock", ".part", "a.bin"] == names(tmp_path)

    @pytest.mark.parametrize("suffix", [".part", ".json", ".lock"])
    @pytest.mark.parametrize("kind", ["symlink_to", "hardlink_to"])
    def test_never_writes_through_a_link(
        self, scripted: Scripted, tmp_path: Path, suffix: str, kind: str
    ) -> None:
        """A link in the place of the draft, its note or its lock is not followed, and the file comes whole."""
        folder, victim = tmp_path / "out", tmp_path / "victim"
        folder.mkdir()
        _, session = broken(scripted, folder)
        planted = next(folder.glob("*.part")).with_suffix(suffix)
        victim.write_bytes(planted.read_bytes() if planted.exists() else b"mine")
        before = victim.read_bytes()
        planted.unlink(missing_ok=True)
        getattr(planted, kind)(victim)

        assert CONTENT == remote(session).download(folder).read_bytes()
        assert before == victim.read_bytes()

    def test_never_takes_what_another_user_left(
        self, scripted: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In a folder that all may write into, anyone can put bytes of theirs under the name of a draft."""
        shelf, session = broken(scripted, tmp_path)
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

        assert CONTENT == remote(session).download(tmp_path).read_bytes()
        assert "" == shelf.asked[0]

    def test_a_link_without_a_draft_is_not_written_through(self, scripted: Scripted, tmp_path: Path) -> None:
        """A first download whose note's place is taken by a link replaces it."""
        folder, victim = tmp_path / "out", tmp_path / "victim"
        folder.mkdir()
        broken(scripted, folder)
        for path in folder.iterdir():
            path.unlink()
            path.symlink_to(victim)
        victim.write_bytes(b"mine")
        broken(scripted, folder)

        assert b"mine" == victim.read_bytes()

    def test_does_not_wait_for_a_pipe(self, scripted: Scripted, tmp_path: Path) -> None:
        """A pipe in the place of the note is none."""
        _, session = broken(scripted, tmp_path)
        note = next(tmp_path.glob("*.json"))
        note.unlink()
        os.mkfifo(note)

        assert CONTENT == remote(session).download(tmp_path).read_bytes()


class TestNothingIsKept:
    def test_of_a_small_file(
        self, scripted: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A small file is fetched anew."""
        monkeypatch.setattr(draft, "LARGE", 5 * MIB)
        broken(scripted, tmp_path)

        assert [] == names(tmp_path)

    def test_of_a_file_without_a_version(self, scripted: Scripted, tmp_path: Path) -> None:
        """What cannot be bound to a version cannot be gone on from."""
        broken(scripted, tmp_path, etag="")

        assert [] == names(tmp_path)

    def test_that_shows_an_address(self, scripted: Scripted, tmp_path: Path) -> None:
        """The note names the address by a digest only."""
        broken(scripted, tmp_path)
        note = json.loads(next(tmp_path.glob("*.json")).read_text())

        assert {"of", "etag", "modified", "size"} == set(note)
        assert 64 == len(note["of"])


def test_a_killed_process_is_gone_on_from(
    tmp_path: Path, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After SIGKILL in the middle of a file, the next process fetches the rest only."""
    content = os.urandom(24 * MIB)
    whole = Shelf(content).answer(None)
    server, session = scripted()
    server.script = [server.stall(whole[: 20 * MIB]), Shelf(content)]
    started = [sys.executable, "-c", SCRIPT, server.origin, f"{tmp_path}/", str(len(content))]
    with subprocess.Popen(started) as process:
        wait_for(lambda: sum(path.stat().st_size for path in tmp_path.glob("*.part")) >= 16 * MIB)
        process.send_signal(signal.SIGKILL)
    kept = next(tmp_path.glob("*.part")).stat().st_size
    target = remote(session, size=len(content), url="/media/a.bin").download(tmp_path)

    assert (f"bytes={kept}-", True) == (server.received[-1].headers["range"], kept >= 16 * MIB)
    assert (content, ["a.bin"]) == (target.read_bytes(), names(tmp_path))


def wait_for(condition: Any) -> None:
    """Wait until something is so."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
