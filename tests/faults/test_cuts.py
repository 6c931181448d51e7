"""The line breaks, at any byte of any request or answer, and what is said of it afterwards is true."""

from __future__ import annotations

import pytest

from tests.amounts import either
from tests.faults.conftest import Connect, MakeFile, Place
from tests.faults.deeds import REQUESTS, MakeDeed, Side, check, once_more, reset_for_ever, reset_once, source
from tests.faults.hostile import FIRST, LAST, MIDDLE, Proxy, close

ASKED = [(make, pattern) for make, patterns in REQUESTS.items() for pattern in patterns]
REQUEST = [pytest.param(make, pattern, id=f"{make.__name__}-{pattern.strip('$')}") for make, pattern in ASKED]


@pytest.mark.combinations(
    "asked, of, at, retries",
    ASKED,
    ["request", "answer"],
    either([FIRST, MIDDLE, LAST], [MIDDLE, LAST]),
    [0, 1],
)
def test_one_reset(
    proxy: Proxy,
    connect: Connect,
    place: Place,
    make_file: MakeFile,
    asked: tuple[MakeDeed, str],
    of: Side,
    at: float,
    retries: int,
) -> None:
    """Once reset, a call ends well or tells; once more on a good line, everything is there, and once only."""
    make, pattern = asked
    deed, path = make(place, connect(proxy.url, retries=retries)), source(make, make_file)
    reset_once(proxy, make, deed, path, pattern=pattern, of=of, at=at)


@pytest.mark.parametrize(("make", "pattern"), REQUEST)
def test_one_end(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, make: MakeDeed, pattern: str
) -> None:
    """A connection that is closed in good order, in the middle of an answer, is a broken one as well."""
    deed, path = make(place, connect(proxy.url, retries=0)), source(make, make_file)
    proxy.harm(pattern, close, of="answer", at=MIDDLE)
    error = deed.tried(path)
    check(deed, path, error=error)

    assert proxy.requests(pattern)
    once_more(make, deed, path)


@pytest.mark.combinations("asked, of", ASKED, ("request", "answer"))
def test_reset_for_ever(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, asked: tuple[MakeDeed, str], of: Side
) -> None:
    """A request that never gets through ends the call soon, with an error of the line or with what is there."""
    make, pattern = asked
    deed, path = make(place, connect(proxy.url)), source(make, make_file)
    reset_for_ever(proxy, make, deed, path, pattern=pattern, of=of)
