"""The backend is killed at some byte of an upload, and starts again behind the same address."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from synapse import BulkError, DataUnit, Session
from tests.faults.conftest import Connect, MakeFile, Place, md5
from tests.faults.deeds import MakeDeed, add, check, chunks, items, model, once_more, release, source, upload
from tests.faults.hostile import FIRST, MIDDLE, Backend, Proxy, call, reset


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run a backend that is only for these tests, since they kill it."""
    with Backend(tmp_path_factory.mktemp("killed")) as backend:
        yield backend


@pytest.mark.parametrize(
    ("make", "pattern", "of", "at"),
    [
        pytest.param(upload, "POST /data_files/", "answer", FIRST, marks=pytest.mark.full),
        (chunks, "PUT /chunked_upload/.", "request", MIDDLE),
        (add, "POST /data_units/", "request", MIDDLE),
        (items, "POST /tasks/", "answer", FIRST),
        # A model is what a release is: an archive with a row.
        pytest.param(model, "POST /models/", "answer", FIRST, marks=pytest.mark.full),
        (release, "POST /plugin_releases/", "request", MIDDLE),
    ],
)
def test_restart(
    backend: Backend,
    proxy: Proxy,
    session: Session,
    place: Place,
    make_file: MakeFile,
    make: MakeDeed,
    pattern: str,
    of: Literal["request", "answer"],
    at: float,
) -> None:
    """Whether the kill came before or after the deed, what is said of it is true."""
    deed, path = make(place, session), source(make, make_file)
    proxy.harm(pattern, call(backend.restart, then=reset), of=of, at=at)
    error = deed.tried(path)
    check(deed, path, error=error)

    assert proxy.requests(pattern)
    once_more(make, deed, path)


def test_chunks_go_on(
    backend: Backend, proxy: Proxy, session: Session, place: Place, make_file: MakeFile
) -> None:
    """An upload goes on where the backend had got to: no confirmed chunk is sent again."""
    deed, path = chunks(place, session), make_file(size=10_000)
    proxy.harm("PUT /chunked_upload/.", call(backend.restart, then=reset), at=MIDDLE, nth=5)

    assert None is deed.tried(path)
    starts = [each.headers["content-range"] for each in proxy.requests("PUT") if each.status == 200]
    assert [f"bytes {start}-{start + 999}/10000" for start in range(0, 10_000, 1000)] == starts
    assert [md5(path)] == place.stored(md5(path))


def test_many_ride_over_it(
    backend: Backend, proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile
) -> None:
    """A patient session brings every file over; only units whose answer was lost are unknown, and are there or not."""
    paths = [make_file(f"{number}.bin", size=200) for number in range(40)]
    collection = place.collection_of(connect(proxy.url, retries=12, backoff=0.2))
    proxy.harm("POST /data_files/$", call(backend.restart, then=reset), at=MIDDLE, nth=20)
    report = collection.upload(paths, workers=4, batch_size=5)
    done = {md5(each.item) for each in [*report.created, *report.reused]}

    assert [] == report.failed
    assert done <= set(place.contents) <= done | {md5(each.item) for each in report.unknown}
    assert [] == collection.upload(paths, workers=4).failed
    assert sorted(map(md5, paths)) == place.contents


def test_many_give_up(
    backend: Backend, proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile
) -> None:
    """An impatient one ends the run and says what is left; a second run brings the rest, and nothing twice."""
    paths = [make_file(f"{number}.bin", size=200) for number in range(60)]
    collection = place.collection_of(connect(proxy.url, retries=0))
    proxy.harm("POST /data_files/$", call(backend.restart, then=reset), at=MIDDLE, nth=20)
    with pytest.raises(BulkError) as caught:
        collection.upload(paths, workers=4, batch_size=5)
    parts = caught.value.succeeded, caught.value.failed, caught.value.untried

    assert len(paths) == sum(map(len, parts))
    assert {unit.id for unit in caught.value.succeeded} <= {unit["id"] for unit in place.units}
    assert [] == collection.upload(paths, workers=4).failed
    assert sorted(map(md5, paths)) == place.contents


def test_many_downloads_go_on(
    backend: Backend, proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, tmp_path: Path
) -> None:
    """A backend that is killed in the middle of some files gives them out when it is back."""
    patient = connect(proxy.url, retries=12, backoff=0.2)
    paths = [make_file(f"{number}.bin", size=50_000) for number in range(8)]
    assert 8 == len(place.collection_of(patient).upload(paths).created)
    proxy.harm("GET /media", call(backend.restart, then=reset), of="answer", at=MIDDLE, nth=4)
    units = DataUnit.objects.using(patient).filter(data_collection=place.collection)
    report = units.download(tmp_path / "out", workers=3)

    assert {"downloaded"} == {each.status for each in report}
    assert sorted(map(md5, paths)) == sorted(md5(each.path) for each in report)
