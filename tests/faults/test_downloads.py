"""Downloads on a bad line, from a server that changes its mind, and onto a disk that is full."""

from __future__ import annotations

import math
import subprocess
import sys
import time

from pathlib import Path
from typing import Literal

import pytest

from synapse import RemoteFile, Session, SynapseError, TransferError, TransportError
from tests.faults.conftest import Connect, MakeFile, Place, md5
from tests.faults.hostile import (
    FIRST,
    LAST,
    MIDDLE,
    Act,
    Backend,
    Proxy,
    answer,
    call,
    close,
    drip,
    reset,
    stall,
)

SIZE = 300_000
MIB = 1024 * 1024


@pytest.fixture
def source(make_file: MakeFile) -> Path:
    """A file that is at the backend."""
    return make_file("source.bin", size=SIZE)


@pytest.fixture
def remote(proxy: Proxy, session: Session, place: Place, source: Path) -> RemoteFile:
    """The same file, as a unit has it: it is fetched through the proxy."""
    file = place.collection_of(session).add(source).files["data_1"]
    assert file.url.startswith(proxy.url)
    return file


def left_in(folder: Path) -> list[str]:
    """Return the names of all that is in a folder, hidden or not."""
    return sorted(each.name for each in folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("act", [close, reset])
@pytest.mark.parametrize(
    ("of", "at"),
    [
        ("request", FIRST),
        ("request", MIDDLE),
        ("answer", FIRST),
        ("answer", 100),
        ("answer", MIDDLE),
        ("answer", LAST),
    ],
)
def test_one_break(
    proxy: Proxy,
    remote: RemoteFile,
    source: Path,
    tmp_path: Path,
    of: Literal["request", "answer"],
    at: float,
    act: Act,
) -> None:
    """The file arrives whole, and nothing else is left."""
    proxy.harm("GET /media", act, of=of, at=at)
    saved = remote.download(tmp_path / "out" / "a.bin")

    assert md5(source) == md5(saved)
    assert ["a.bin"] == left_in(saved.parent)


def test_goes_on_where_it_broke_off(
    proxy: Proxy, session: Session, place: Place, make_file: MakeFile, tmp_path: Path
) -> None:
    """What had come is not fetched again."""
    source = make_file(size=5 * MIB)
    remote = place.collection_of(session).add(source).files["data_1"]
    proxy.harm("GET /media", close, of="answer", at=0.7)
    saved = remote.download(tmp_path / "a.bin")
    first, second = proxy.requests("GET /media")

    assert (md5(source), 206) == (md5(saved), second.status)
    assert int(second.headers["range"].removeprefix("bytes=").removesuffix("-")) >= 2 * MIB


@pytest.mark.parametrize("at", [20, 100, 200])
def test_cut_within_headers(proxy: Proxy, remote: RemoteFile, source: Path, tmp_path: Path, at: int) -> None:
    """An answer that ends before it says how long it is, is no empty file, even where nothing is known of the file."""
    proxy.harm("GET /media", close, of="answer", at=at)
    saved = RemoteFile(url=remote.url).download(tmp_path / "a.bin")

    assert md5(source) == md5(saved)


@pytest.mark.parametrize("at", [FIRST, MIDDLE, LAST])
def test_breaks_for_ever(proxy: Proxy, remote: RemoteFile, source: Path, tmp_path: Path, at: float) -> None:
    """A line that always breaks ends in an error soon; no file is there that is not whole."""
    proxy.harm("GET /media", reset, of="answer", at=at, times=math.inf)
    try:
        saved = remote.download(tmp_path / "out" / "a.bin")
    except SynapseError as error:
        assert isinstance(error, TransportError)
        assert not (tmp_path / "out" / "a.bin").exists()
        proxy.heal()
        saved = remote.download(tmp_path / "out" / "a.bin")

    assert len(proxy.requests("GET /media")) < 40
    assert md5(source) == md5(saved)
    assert ["a.bin"] == left_in(saved.parent)


def test_stall(proxy: Proxy, connect: Connect, remote: RemoteFile, source: Path, tmp_path: Path) -> None:
    """A line that falls silent is given up after the session's limit, and another one is tried."""
    proxy.harm("GET /media", stall, of="answer", at=MIDDLE)
    started = time.monotonic()
    with connect(proxy.url, read=1) as session:
        saved = RemoteFile(url=remote.url, name="a.bin", session=session).download(tmp_path / "a.bin")

    assert time.monotonic() - started < 10
    assert md5(source) == md5(saved)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_page_of_a_gateway(proxy: Proxy, remote: RemoteFile, tmp_path: Path, status: int) -> None:
    """A gateway's page is never saved as the file."""
    proxy.harm("GET /media", answer(status, raw=b"<html>", kind="text/html"), times=math.inf)
    with pytest.raises(SynapseError):
        remote.download(tmp_path / "out" / "a.bin")

    assert [] == left_in(tmp_path / "out")


def test_success_page_of_a_gateway(proxy: Proxy, remote: RemoteFile, source: Path, tmp_path: Path) -> None:
    """Nor one with status 200: it is not as long as the file, or not of its content."""
    proxy.harm("GET /media", answer(200, raw=b"x" * SIZE, kind="text/html"), times=math.inf)
    with pytest.raises(TransferError, match="damaged"):
        RemoteFile(url=remote.url, checksum=md5(source), size=SIZE).download(tmp_path / "out" / "a.bin")

    assert [] == left_in(tmp_path / "out")


def test_other_file_after_a_break(
    proxy: Proxy, backend: Backend, remote: RemoteFile, source: Path, tmp_path: Path
) -> None:
    """A file that became another one while the line was broken is not glued to the first half."""
    (stored,) = (each for each in backend.sandbox.data.rglob("*.bin") if md5(source) in str(each))
    other = tmp_path / "other"
    other.write_bytes(b"y" * SIZE)
    proxy.harm("GET /media", call(lambda: other.replace(stored), then=close), of="answer", at=MIDDLE)
    try:
        saved = remote.download(tmp_path / "a.bin")
    except TransferError as error:
        assert "changed while it was fetched" in str(error)
    else:
        assert SIZE == saved.read_bytes().count(b"y")


FULL = """
import resource, signal, sys
import synapse
from synapse import RemoteFile, Session, TransferError

url, token, address, target = sys.argv[1:]
with Session(url, api_token=token):
    file = RemoteFile(url=address, name="a.bin")
    file.read()
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        file.download(target)
    except TransferError as error:
        print(error)
"""


def test_full_disk(backend: Backend, remote: RemoteFile, tmp_path: Path) -> None:
    """A disk that takes no more is told, with its reason, and what was begun does not stay in the way."""
    target = tmp_path / "out" / "a.bin"
    arguments = [backend.url, backend.sandbox.api_token, remote.url, target]
    done = subprocess.run(
        [sys.executable, "-c", FULL, *map(str, arguments)], capture_output=True, text=True, timeout=20
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "cannot be written (File too large)" in done.stdout
    assert not target.exists()
    assert target == remote.download(target)


def test_folder_that_may_not_be_written(remote: RemoteFile, tmp_path: Path) -> None:
    """A target that cannot be is told before the file is fetched, or after; it is no traceback of the system."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TransferError, match="cannot be written"):
        remote.download(tmp_path / "file" / "a.bin")


def test_trickling_file(proxy: Proxy, remote: RemoteFile, source: Path, tmp_path: Path) -> None:
    """A slow line is not a broken one, as long as something comes."""
    proxy.harm("GET /media", drip(0.001), of="answer", at=-200)
    saved = remote.download(tmp_path / "a.bin")

    assert md5(source) == md5(saved)
