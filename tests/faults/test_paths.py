"""Paths that are no files, files that may not be read, and names that are hard to send."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from synapse import Model, RemoteFile, Session, TransferError
from synapse.uploads import upload_file
from tests.faults.conftest import MakeFile, Place, md5
from tests.faults.deeds import REQUESTS, MakeDeed
from tests.faults.hostile import Backend, Proxy
from tests.servers import Server, reply


def folder(path: Path) -> None:
    """Make a folder."""
    path.mkdir()


def dangling(path: Path) -> None:
    """Make a link that leads nowhere."""
    path.symlink_to(path.with_name("nowhere"))


def loop(path: Path) -> None:
    """Make a link to itself."""
    path.symlink_to(path)


def device(path: Path) -> None:
    """Make a link to a device that never ends."""
    path.symlink_to("/dev/zero")


def nothing(path: Path) -> None:
    """Leave nothing there."""


NO_FILES = {folder: "is a folder", os.mkfifo: "not a regular file", dangling: "there is no file"}
NO_FILES |= {loop: "cannot be read", device: "not a regular file", nothing: "there is no file"}


@pytest.mark.parametrize("make", REQUESTS)
@pytest.mark.parametrize("kind", NO_FILES, ids=lambda kind: kind.__name__)
def test_no_file(
    proxy: Proxy,
    session: Session,
    place: Place,
    tmp_path: Path,
    kind: Callable[[Path], None],
    make: MakeDeed,
) -> None:
    """What is no file is refused at once, with its reason, and nothing is sent."""
    deed, path = make(place, session), tmp_path / "path"
    kind(path)
    error = deed.tried(path)

    assert isinstance(error, TransferError) and NO_FILES[kind] in str(error)
    assert [] == proxy.requests("PUT|POST")


def test_no_files_among_many(session: Session, place: Place, make_file: MakeFile, tmp_path: Path) -> None:
    """Each fails by itself, with its reason; the files among them arrive."""
    paths = [make_file("first.bin")]
    for kind in NO_FILES:
        kind(path := tmp_path / kind.__name__)
        paths.append(path)
    paths.append(make_file("last.bin"))
    report = place.collection_of(session).upload(paths, workers=2)

    assert ["created", *["failed"] * len(NO_FILES), "created"] == [outcome.status for outcome in report]
    assert [True] * len(NO_FILES) == [
        words in str(outcome.error) for words, outcome in zip(NO_FILES.values(), report.failed, strict=True)
    ]
    assert ["first.bin", "last.bin"] == place.names


def test_link_to_a_file(session: Session, place: Place, make_file: MakeFile, tmp_path: Path) -> None:
    """A link is as good as its file, under its own name."""
    link = tmp_path / "link.bin"
    link.symlink_to(make_file("target.bin"))
    place.collection_of(session).add(link)

    assert (["link.bin"], [md5(link)]) == (place.names, place.contents)


@pytest.mark.parametrize("chunked", [None, True])
def test_empty_file(session: Session, place: Place, make_file: MakeFile, chunked: bool | None) -> None:
    """A file without a byte is a file."""
    row = upload_file(session, make_file(size=0), chunked=chunked)

    assert ["d41d8cd98f00b204e9800998ecf8427e"] == place.stored(row["checksum"])


def test_empty_file_among_many(session: Session, place: Place, make_file: MakeFile) -> None:
    """It gets its unit like any other."""
    paths = [make_file("empty.bin", size=0), make_file("full.bin")]
    report = place.collection_of(session).upload(paths)

    assert 2 == len(report.created), str(report)
    assert sorted(map(md5, paths)) == place.contents


def test_empty_model(session: Session, make_file: MakeFile) -> None:
    """A model is an archive: one without a byte is refused before anything is sent."""
    with session.trace() as calls, pytest.raises(TransferError, match="is empty"):
        Model.objects.create(name="empty", file=make_file(size=0))

    assert 0 == len(calls)


NAMES = {
    "255 bytes": "x" * 251 + ".bin",
    "255 bytes of Korean": "가" * 83 + "ab.bin",
    "Korean": "서울 사진 (1).bin",
    "decomposed": "한글.bin",
    "quotes": "a\"b'c`.bin",
    "line breaks": "a\r\nb\nc.bin",
    "escapes": "a%22b%0D.bin",
    "header": 'a"\r\nContent-Type: text;\r\n\r\n.bin',
    "backslash": "a\\b.bin",
    "blanks": "  a b  .bin",
    "dots": "...bin",
    "emoji": "👩‍👩‍👧.bin",
    "control": "a\x01\x7f\x1b[31m.bin",
    "right to left": "a\u202egpj.bin",
}


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_name(session: Session, place: Place, make_file: MakeFile, name: str, chunked: bool) -> None:
    """A file arrives whole, whatever it is called."""
    path = make_file(name)
    row = upload_file(session, path, chunked=chunked, chunk_size=2000)

    assert [md5(path)] == place.stored(row["checksum"])


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_name_comes_back(session: Session, place: Place, make_file: MakeFile, name: str) -> None:
    """The unit remembers the name, and the file can be downloaded into a folder and nowhere else."""
    path = make_file(name)
    unit = place.collection_of(session).add(path)
    (out := path.parent / "out").mkdir()
    saved = unit.files["data_1"].download(out)

    assert [path.name] == place.names
    assert (out, md5(path)) == (saved.parent, md5(saved))


@pytest.mark.parametrize("chunked", [False, True])
def test_name_that_is_no_text(session: Session, place: Place, make_file: MakeFile, chunked: bool) -> None:
    """What no request can carry is refused before anything is sent, never mangled."""
    path = make_file(b"caf\xe9.bin")
    with session.trace() as calls, pytest.raises(TransferError, match="is no UTF-8"):
        upload_file(session, path, chunked=chunked, chunk_size=2000)

    assert [] == list(calls)


@pytest.fixture
def readable_by_all() -> Iterator[Path]:
    """A folder that any user may enter; the folders of pytest are for one."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name)
        path.chmod(0o777)
        yield path


NOBODY = """
import json, os, sys
import synapse
from pathlib import Path
from synapse import DataCollection, DataFile, Session, SynapseError
from synapse.uploads import upload_file

url, token, collection, *paths = sys.argv[1:]
session = Session(url, api_token=token)
with session:
    target = DataCollection.objects.get(int(collection))
    upload_file(session, paths[0], chunked=True, chunk_size=1000)
    target.upload(paths[:1])
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    try:
        DataFile.objects.upload(paths[1])
    except SynapseError as error:
        said = f"{type(error).__name__}: {error}"
    else:
        said = "sent"
    report = target.upload(paths)
    print(json.dumps({"said": said, "statuses": [each.status for each in report]}))
"""


def test_file_that_may_not_be_read(backend: Backend, place: Place, readable_by_all: Path) -> None:
    """It is refused with its reason; those that may be read are sent. Root may read all, so nobody tries."""
    paths = [readable_by_all / name for name in ("open.bin", "secret.bin", "other.bin")]
    for path in paths:
        path.write_bytes(os.urandom(1000))
        path.chmod(0o000 if path.stem == "secret" else 0o644)
    arguments = [backend.url, backend.sandbox.api_token, place.collection, *paths]
    done = subprocess.run(
        [sys.executable, "-c", NOBODY, *map(str, arguments)], capture_output=True, text=True, timeout=30
    )
    assert 0 == done.returncode, done.stderr
    told = json.loads(done.stdout)

    assert told["said"].startswith("TransferError: ") and "may not be read" in told["said"]
    assert ["reused", "failed", "created"] == told["statuses"]
    assert ["open.bin", "other.bin"] == place.names


@pytest.mark.parametrize("name", ["../../x.png", "..\\..\\x.png", "/etc/x.png", "a/../../x.png"])
@pytest.mark.parametrize("given", ["name", "address"])
def test_name_of_the_backend(tmp_path: Path, name: str, given: str) -> None:
    """Whatever it calls a file, the file comes into the folder that was given."""
    with Server(reply(raw=b"1")) as server, Session(server.origin, api_token="syn_0123456789") as session:
        url = f"/f/{quote(name, safe='')}" if given == "address" else "/f/a.png"
        file = RemoteFile.from_wire(
            {"url": url, "file_name_original": name} if given == "name" else url, session=session
        )
        path = file.download(tmp_path)
    session.close()

    assert ("x.png", tmp_path) == (path.name, path.parent)
