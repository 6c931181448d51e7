"""Files that others work on while they are sent: nothing is registered that never was the file."""

from __future__ import annotations

import os

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synapse import Session, TransferError
from synapse.uploads import upload_file
from tests.faults.conftest import MakeFile, Place, md5
from tests.faults.deeds import MakeDeed, add, model, release, source
from tests.faults.hostile import FIRST, Proxy, call

CHUNK = 100_000
SIZE = 10 * CHUNK
# More than the buffers of two sockets hold, so that the sender is still at it when its first bytes are there.
MUCH = 16 * 1024 * 1024


def grow(path: Path) -> None:
    """Write more to the end."""
    with path.open("ab") as file:
        file.write(b"more")


def shrink(path: Path) -> None:
    """Cut off the second half."""
    os.truncate(path, path.stat().st_size // 2)


def rewrite(path: Path) -> None:
    """Write other bytes over the first and the last ones, so that what is half sent never was the file."""
    with path.open("r+b") as file:
        file.write(os.urandom(5000))
        file.seek(-5000, os.SEEK_END)
        file.write(os.urandom(5000))


def replace(path: Path) -> None:
    """Put another file of the same size in its place."""
    other = path.with_name("other")
    other.write_bytes(os.urandom(path.stat().st_size))
    other.replace(path)


def vanish(path: Path) -> None:
    """Remove it."""
    path.unlink()


def back_in_time(change: Callable[[Path], None]) -> Callable[[Path], None]:
    """Change a file and set its times to what they were."""

    def changed(path: Path) -> None:
        before = path.stat()
        change(path)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    changed.__name__ = f"{change.__name__}_and_restore_times"
    return changed


HARMS = [grow, shrink, rewrite, replace, vanish, back_in_time(rewrite), back_in_time(replace)]


@pytest.fixture(params=HARMS, ids=lambda harm: harm.__name__)
def harm(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], None]]:
    """Something that happens to a file."""
    return request.param


def ended(act: Callable[[], object], *, total: Callable[[], int]) -> tuple[str, int]:
    """Return the error of a call, and how many files the backend has more than before."""
    before = total()
    with pytest.raises(TransferError) as caught:
        act()
    return str(caught.value), total() - before


@pytest.mark.parametrize("nth", [1, 5, 10])
def test_between_chunks(
    proxy: Proxy, session: Session, place: Place, make_file: MakeFile, harm: Callable[[Path], None], nth: int
) -> None:
    """Whatever happens to a file between two of its chunks, it is told, and no file is registered."""
    path = make_file(size=SIZE)
    proxy.harm("PUT", call(lambda: harm(path)), of="answer", at=FIRST, nth=nth)
    text, more = ended(
        lambda: upload_file(session, path, chunked=True, chunk_size=CHUNK), total=lambda: place.total
    )

    assert ("changed while it was sent" in text, 0) == (True, more)
    assert [] == proxy.requests("data_files")


@pytest.mark.parametrize("chunked", [True, False])
def test_within_a_request(
    proxy: Proxy,
    session: Session,
    place: Place,
    make_file: MakeFile,
    harm: Callable[[Path], None],
    chunked: bool,
) -> None:
    """The same while one large body is on its way."""
    path = make_file(size=MUCH)
    proxy.harm("PUT|POST", call(lambda: harm(path)), at=1000)
    text, more = ended(lambda: upload_file(session, path, chunked=chunked), total=lambda: place.total)

    assert ("changed while it was sent" in text, 0) == (True, more)


@pytest.mark.parametrize("make", [add, model, release])
@pytest.mark.parametrize("rewrite", [rewrite, back_in_time(rewrite)], ids=lambda harm: harm.__name__)
def test_in_every_other_way(
    rewrite: Callable[[Path], None],
    proxy: Proxy,
    session: Session,
    place: Place,
    make_file: MakeFile,
    make: MakeDeed,
) -> None:
    """Units, models and releases are no less careful."""
    deed, path = make(place, session), source(make, make_file, size=MUCH)
    before = md5(path)
    proxy.harm("PUT|POST (?!.*verify)", call(lambda: rewrite(path)), at=1000)
    error = deed.tried(path)

    assert isinstance(error, TransferError) and "changed while it was sent" in str(error)
    assert md5(path) != before
    assert [] == deed.had(path)


def test_changed_file_can_be_sent_again(
    proxy: Proxy, session: Session, place: Place, make_file: MakeFile
) -> None:
    """After a change, the same call sends the new content from its first byte."""
    path = make_file(size=SIZE)
    proxy.harm("PUT", call(lambda: replace(path)), of="answer", nth=5)
    with pytest.raises(TransferError):
        upload_file(session, path, chunked=True, chunk_size=CHUNK)
    row = upload_file(session, path, chunked=True, chunk_size=CHUNK)

    assert [md5(path)] == place.stored(row["checksum"])


def test_one_changed_file_of_many(
    proxy: Proxy, session: Session, place: Place, make_file: MakeFile, harm: Callable[[Path], None]
) -> None:
    """It fails by itself; the others arrive, and the report says which."""
    paths = [make_file(f"{number}.bin") for number in range(3)]
    paths[1].write_bytes(os.urandom(MUCH))
    others = sorted((md5(paths[0]), md5(paths[2])))
    proxy.harm("POST /data_files/$", call(lambda: harm(paths[1])), at=1000, nth=2)
    report = place.collection_of(session).upload(paths, workers=1)

    assert ["created", "failed", "created"] == [outcome.status for outcome in report]
    assert isinstance(report[1].error, TransferError)
    assert others == place.contents
