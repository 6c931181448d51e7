"""What stands between: gateways that answer in the backend's place, lines that stall or trickle."""

from __future__ import annotations

import math
import time

from typing import Literal

import pytest

from synapse import ServerError, Session, TransportError
from synapse.session import connections
from synapse.uploads import upload_file
from tests.amounts import part
from tests.faults.conftest import Connect, MakeFile, Place, md5
from tests.faults.deeds import REQUESTS, MakeDeed, check, once_more, source
from tests.faults.hostile import FIRST, MIDDLE, Proxy, answer, drip, stall

QUIET = 0.5
"""Seconds after which a silent line is given up: longer than what a busy machine takes for an answer."""

PAGE = b"<html><h1>Gateway</h1></html>"
ASKED = [(make, pattern) for make, patterns in REQUESTS.items() for pattern in patterns]
REQUEST = [pytest.param(make, pattern, id=f"{make.__name__}-{pattern.strip('$')}") for make, pattern in ASKED]


@pytest.mark.combinations("asked, status, of", ASKED, (500, 502, 503), ("request", "answer"))
def test_gateway_answers_once(
    proxy: Proxy,
    connect: Connect,
    place: Place,
    make_file: MakeFile,
    asked: tuple[MakeDeed, str],
    status: int,
    of: Literal["request", "answer"],
) -> None:
    """Whether the backend had acted or never heard of it, one page of a gateway ends nothing untruly."""
    make, pattern = asked
    deed, path = make(place, connect(proxy.url, retries=0)), source(make, make_file)
    proxy.harm(pattern, answer(status, raw=PAGE, kind="text/html"), of=of, at=FIRST)
    error = deed.tried(path)
    check(deed, path, error=error)
    assert error is None or isinstance(error, ServerError | TransportError)

    once_more(make, deed, path)


@pytest.mark.parametrize(("make", "pattern"), REQUEST)
def test_success_page_of_a_gateway(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, make: MakeDeed, pattern: str
) -> None:
    """A page with status 200 is no answer of the backend."""
    deed, path = make(place, connect(proxy.url, retries=0)), source(make, make_file)
    proxy.harm(pattern, answer(200, raw=PAGE, kind="text/html"), of="answer", at=FIRST)
    error = deed.tried(path)
    check(deed, path, error=error)
    assert error is None or isinstance(error, TransportError)

    once_more(make, deed, path)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_gateway_answers_always(
    proxy: Proxy, session: Session, place: Place, make_file: MakeFile, status: int
) -> None:
    """A backend that is away is said to be away, soon."""
    path = make_file()
    proxy.harm("PUT", answer(status, raw=PAGE, kind="text/html"), times=math.inf)
    with pytest.raises((ServerError, TransportError), match=str(status)):
        upload_file(session, path, chunked=True, chunk_size=1000)

    assert [] == place.stored(md5(path))
    assert len(proxy.received) < 20


@pytest.mark.parametrize(("make", "pattern"), part(REQUEST, 2))
def test_one_stall(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, make: MakeDeed, pattern: str
) -> None:
    """A line that falls silent is given up after the session's own limit."""
    deed, path = make(place, connect(proxy.url, retries=0, read=QUIET)), source(make, make_file)
    proxy.harm(pattern, stall, of="answer", at=MIDDLE)
    started = time.monotonic()
    error = deed.tried(path)
    check(deed, path, error=error)

    assert time.monotonic() - started < 10
    proxy.heal()
    once_more(make, deed, path)


def test_server_that_reads_no_further(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that nobody takes is given up as well."""
    monkeypatch.setattr(connections, "SENDING", 0.2)
    path = make_file(size=16 * 1024 * 1024)
    proxy.harm("POST /data_files/", stall, at=1000)
    with pytest.raises(TransportError):
        upload_file(connect(proxy.url, retries=0), path)

    assert [] == place.stored(md5(path))


def test_answer_that_trickles(proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile) -> None:
    """An answer that comes byte by byte, always in time and never whole, is given up."""
    path = make_file()
    proxy.harm("POST /data_files/", drip(0.05), of="answer", at=MIDDLE)
    started = time.monotonic()
    row = upload_file(connect(proxy.url, retries=0, read=1), path)

    assert time.monotonic() - started < 10
    assert [md5(path)] == place.stored(row["checksum"])
