"""Many downloads side by side on a bad line: every file is whole or told."""

from __future__ import annotations

import math
import subprocess
import sys

from pathlib import Path

import pytest

from synapse import BulkError, DataUnit, Session
from synapse.downloads.folder_marker import MARKER
from synapse.orm import QuerySet
from tests.faults.conftest import Connect, MakeFile, Place, md5
from tests.faults.hostile import FIRST, LAST, MIDDLE, Backend, Proxy, answer, close, reset

COUNT = 12
SIZE = 50_000


@pytest.fixture
def sources(backend: Backend, connect: Connect, place: Place, make_file: MakeFile) -> list[Path]:
    """Files that are in the collection, in this order."""
    paths = [make_file(f"{number:02}.bin", size=SIZE) for number in range(COUNT)]
    assert COUNT == len(place.collection_of(connect(backend.url)).upload(paths).created)
    return paths


def units(place: Place, session: Session) -> QuerySet[DataUnit]:
    """Ask for the units of the collection, in their order."""
    return DataUnit.objects.using(session).filter(data_collection=place.collection).order_by("id")


def found_in(folder: Path) -> list[str]:
    """Return the MD5 of every file below a folder, hidden ones too, but not its marker, sorted."""
    return sorted(md5(each) for each in folder.rglob("*") if each.is_file() and each.name != MARKER)


def test_bad_line(proxy: Proxy, connect: Connect, place: Place, sources: list[Path], tmp_path: Path) -> None:
    """Files whose answers are cut, reset or taken by a gateway arrive all the same, and nothing else is left."""
    for number, at in enumerate([FIRST, 100, MIDDLE, LAST]):
        proxy.harm("GET /media", reset, of="answer", at=at, nth=2 + 3 * number)
        proxy.harm("GET /media", close, of="answer", at=MIDDLE, nth=3 + 3 * number)
    proxy.harm("GET /media", answer(503), nth=13)
    session = connect(proxy.url, retries=4)
    report = units(place, session).download(tmp_path / "out", workers=3)

    assert [(COUNT, "downloaded")] == [(len(report), *{each.status for each in report})]
    assert sorted(map(md5, sources)) == found_in(tmp_path / "out")
    assert [md5(path) for path in sources] == [md5(each.path) for each in report]


def test_one_dead_file(
    proxy: Proxy, session: Session, place: Place, sources: list[Path], tmp_path: Path
) -> None:
    """One that never arrives fails by itself; a second run fetches that one and no other."""
    proxy.harm(md5(sources[5]), reset, of="answer", at=MIDDLE, times=math.inf)
    report = units(place, session).download(tmp_path / "out", workers=3)
    assert [5] == [number for number, each in enumerate(report) if each.status == "failed"]
    assert sorted(md5(each) for each in sources if each != sources[5]) == found_in(tmp_path / "out")

    proxy.heal()
    before = len(proxy.requests("GET /media"))
    again = units(place, session).download(tmp_path / "out", workers=3)
    assert ["downloaded"] == [each.status for each in again if each.status != "present"]
    assert 1 == len(proxy.requests("GET /media")) - before
    assert sorted(map(md5, sources)) == found_in(tmp_path / "out")


def test_dead_line(proxy: Proxy, session: Session, place: Place, sources: list[Path], tmp_path: Path) -> None:
    """A line that is dead for every file ends the run, and leaves nothing that is not whole."""
    proxy.harm("GET /media", reset, times=math.inf)
    try:
        report = units(place, session).download(tmp_path / "out", workers=3)
        assert COUNT == len([each for each in report if each.status == "failed"])
    except BulkError as error:
        assert COUNT >= len(error.failed) > 0

    assert [] == found_in(tmp_path / "out")


FULL = """
import resource, sys
import synapse
from synapse import BulkError, DataUnit, RemoteFile, Session

url, token, collection, small, folder = sys.argv[1:]
with Session(url, api_token=token) as session:
    RemoteFile(url=small, name="a.bin").read()
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        print(DataUnit.objects.filter(data_collection=int(collection)).download(folder, workers=2))
    except BulkError as error:
        print(type(error).__name__, error)
"""


def test_full_disk(
    backend: Backend, session: Session, place: Place, sources: list[Path], tmp_path: Path
) -> None:
    """A disk that takes no more ends the run with that reason."""
    first = units(place, session).first()
    arguments = [backend.url, backend.sandbox.api_token, place.collection, first.files["data_1"].url]
    done = subprocess.run(
        [sys.executable, "-c", FULL, *map(str, arguments), str(tmp_path / "out")],
        capture_output=True,
        text=True,
        timeout=25,
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "File too large" in done.stdout
    assert [] == [each for each in (tmp_path / "out").rglob("*.bin") if each.stat().st_size == SIZE]
