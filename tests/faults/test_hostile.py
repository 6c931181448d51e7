"""The proxy does what it is told, to the byte."""

from __future__ import annotations

import contextlib
import math
import time

import pytest

from synapse import ClientError, Session, TransportError
from synapse.uploads import upload_file
from tests.faults.conftest import Connect, MakeFile, Place, make_place, md5
from tests.faults.hostile import FIRST, LAST, MIDDLE, Act, Backend, Proxy, answer, close, drip, reset, stall

pytestmark = pytest.mark.usefixtures("each_parser")


def test_harmless_by_default(proxy: Proxy, session: Session, place: Place, make_file: MakeFile) -> None:
    """Without a rule, bytes, links and connections are those of the backend."""
    path = make_file(size=300_000)
    row = upload_file(session, path, chunked=True, chunk_size=100_000)

    assert row["file"].startswith(proxy.url)
    assert [md5(path)] == place.stored(row["checksum"])
    assert ["PUT", "PUT", "PUT", "POST", "POST"] == [each.method for each in proxy.requests("PUT|POST")]


def test_records_what_came(proxy: Proxy, session: Session, make_file: MakeFile) -> None:
    """Method, target, headers, how long the body was to be, and what became of it."""
    upload_file(session, make_file("사진.bin", size=500))
    received = proxy.received[-1]

    assert ("POST", "/data_files/", 201) == (received.method, received.target, received.status)
    assert received.length == received.arrived == int(received.headers["content-length"]) > 500


@pytest.mark.parametrize("act", [close, reset])
@pytest.mark.parametrize("at", [FIRST, 1, 100_000, MIDDLE, LAST])
def test_breaks_a_request_at_a_byte(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, act: Act, at: float
) -> None:
    """The client sees the connection end, and the backend never has the whole."""
    path = make_file(size=200_000)
    proxy.harm("POST /data_files/", act, at=at)
    with pytest.raises(TransportError):
        upload_file(connect(proxy.url, retries=0), path)

    assert [] == place.stored(md5(path))
    assert (at in (FIRST, 1)) == (proxy.requests("POST")[0].arrived == 0)


@pytest.mark.parametrize("act", [close, reset])
@pytest.mark.parametrize("at", [FIRST, 1, MIDDLE, LAST])
def test_breaks_an_answer_at_a_byte(
    proxy: Proxy, connect: Connect, make_file: MakeFile, place: Place, act: Act, at: float
) -> None:
    """The backend has the whole, and has answered."""
    path = make_file()
    proxy.harm("POST /data_files/", act, of="answer", at=at)
    row = upload_file(connect(proxy.url, retries=0), path)

    assert [md5(path)] == place.stored(row["checksum"])
    assert 201 == proxy.requests("POST")[0].status


def test_stalls_until_healed(proxy: Proxy, connect: Connect, make_file: MakeFile) -> None:
    """Nothing comes any more, and the client's own limit ends it."""
    proxy.harm("POST /data_files/", stall, times=math.inf)
    started = time.monotonic()
    with pytest.raises(TransportError, match="nothing came within"):
        upload_file(connect(proxy.url, read=0.2), make_file())

    assert 0.2 <= time.monotonic() - started < 10


def test_drips(proxy: Proxy, session: Session, place: Place, make_file: MakeFile) -> None:
    """Every byte from there on takes its time, and all of them arrive."""
    path = make_file()
    proxy.harm("POST /data_files/", drip(0.001), at=-100)
    started = time.monotonic()
    upload_file(session, path)

    assert time.monotonic() - started >= 0.1
    assert [md5(path)] == place.stored(md5(path))


def test_answers_itself(proxy: Proxy, connect: Connect, make_file: MakeFile) -> None:
    """The client reads what the proxy says, on a connection that goes on."""
    proxy.harm("POST /data_files/", answer(418, {"detail": "I am a proxy"}))
    session = connect(proxy.url, retries=0)
    with pytest.raises(ClientError, match="I am a proxy"):
        upload_file(session, make_file(size=200_000))
    upload_file(session, make_file())

    assert [418, 201] == [each.status for each in proxy.received]


def test_counts_requests(proxy: Proxy, connect: Connect, make_file: MakeFile) -> None:
    """A rule harms those that it is told to, by their number."""
    proxy.harm("POST /data_files/", answer(418, {}), nth=2, times=2)
    session = connect(proxy.url, retries=0)
    for _ in range(4):
        with contextlib.suppress(ClientError):
            upload_file(session, make_file())

    assert [201, 418, 418, 201] == [each.status for each in proxy.received]


def test_backend_starts_again_where_it_was(tmp_path_factory: pytest.TempPathFactory) -> None:
    """After a kill, the next backend has the address, the tokens and the rows of the one before."""
    with Backend(tmp_path_factory.mktemp("killed")) as backend:
        first = backend.sandbox
        place = make_place(backend)
        backend.restart()

        assert (first.url, True) == (backend.url, first.pid != backend.sandbox.pid)
        assert "Faults" == place.wire.get(f"projects/{place.project}/")["title"]
