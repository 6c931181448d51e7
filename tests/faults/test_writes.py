"""Each verb, broken at each moment: done once, or not done and said so, or unconfirmed, and then resolved."""

from __future__ import annotations

import math
import time

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from synapse import (
    BulkError,
    Project,
    Resolution,
    ServerError,
    Session,
    SynapseError,
    TransportError,
    WriteUnconfirmedError,
)
from synapse.dialects import Api
from synapse.orm.unconfirmed import Moment
from synapse.session import Retry
from tests.amounts import either, part
from tests.combining import pairwise
from tests.faults.conftest import Connect, MakeFile, Place, make_place
from tests.faults.deeds import MakeDeed, add, items, model, once_more, release, source
from tests.faults.hostile import FIRST, LAST, MIDDLE, Backend, Proxy, answer, call, close, reset, stall
from tests.faults.test_statuses import STATUSES, is_a_lie
from tests.faults.writes import SECOND, WRITES, Make, Write, bulk_create, change, change_by_put, create, run

QUIET: Final = 0.5

Harm = Callable[[Proxy, str], None]


BY_EACH: Final[list[tuple[Make, Api]]] = [
    *((make, "auto") for make in WRITES),
    *((make, "v2") for make in part(SECOND, 3, of=4)),
]


def at(act: Any, of: Any, place: float) -> Harm:
    """Return what harms one request, or its answer."""
    return lambda proxy, request: proxy.harm(request, act, of=of, at=place)


MOMENTS: Final[dict[str, Harm]] = {
    "reset before a byte arrived": at(reset, "request", FIRST),
    "reset in the request": at(reset, "request", MIDDLE),
    "closed before its last byte": at(close, "request", LAST),
    "reset before the answer": at(reset, "answer", FIRST),
    "closed in the head of the answer": at(close, "answer", 10),
    "closed before the last byte of the answer": at(close, "answer", LAST),
    "reset in the answer": at(reset, "answer", MIDDLE),
}


def named(value: Any) -> str:
    """Name a parameter in the id of a test."""
    return getattr(value, "__name__", None) or str(value)


def tried(write: Write) -> SynapseError | None:
    """Do it, and return what it ended with; of several rows, the error of the first."""
    try:
        write.do()
    except BulkError as error:
        first = error.failed[0][1]
        assert isinstance(first, SynapseError)
        return first
    except SynapseError as error:
        return error
    return None


def resolved(error: WriteUnconfirmedError | ServerError) -> Resolution:
    """Ask what became of it, long after the backend has ended what it was at."""
    if error.question is not None:
        error.question = attrs.evolve(error.question, failed=Moment(0, 0))  # type: ignore[type-var]
    return error.resolve()


def check(write: Write, error: SynapseError | None, *, asked: int) -> None:
    """Hold what was said against what there is; then have it done, as the error or its resolution tells how."""
    had = write.had()
    idempotent = write.request.startswith(("PUT", "DELETE"))
    if error is None:
        assert 1 == had
        return
    if isinstance(error, WriteUnconfirmedError | ServerError) and error.unconfirmed and not idempotent:
        assert 1 == asked
        found = resolved(error)
        told = (had == 1, had == 0) if error.question is not None else (False, False)
        assert told == (found.done, found.repeatable), str(found)
    elif error.unconfirmed:
        assert "doing it again is safe" in str(error)
    else:
        assert had == 0, f"{error!r}, and yet it is there"
    if not had:
        assert None is tried(write)
    assert 1 == write.had()


@pytest.mark.combinations("by, moment", part(BY_EACH, 1, of=2), MOMENTS)
def test_broken_once(proxy: Proxy, connect: Connect, place: Place, by: tuple[Make, Api], moment: str) -> None:
    """Nothing is doubled and nothing is lost, and whatever is said is true."""
    make, api = by
    write = make(place, connect(proxy.url, api=api))
    MOMENTS[moment](proxy, write.request)
    error = tried(write)

    check(write, error, asked=len(proxy.requests(write.request)))


# The whole product is in test_statuses.py: a real backend takes its time.
@pytest.mark.parametrize(
    "by, status, of, asked",
    pairwise(BY_EACH, either(STATUSES, (503,)), ("request", "answer"), (False, True)),
)
def test_answered_by_a_status(
    proxy: Proxy, connect: Connect, place: Place, by: tuple[Make, Api], status: int, of: Any, asked: bool
) -> None:
    """What is said is true with the real backend as well, as far as that does not say what is not so."""
    make, api = by
    session = connect(proxy.url, api=api)
    Project.objects.using(session).get(place.project)  # before that, a 404 means that there is no API v2
    write = make(place, session)
    headers = [("Retry-After", "0")] if asked else []
    told = answer(status, raw=b"<html>", kind="text/html", headers=headers)
    proxy.harm(write.request, told, of=of, at=FIRST)
    error = tried(write)
    sent = len(proxy.requests(write.request))

    assert sent <= (3 if make is bulk_create else 2)  # what is refused of a batch is looked for in its halves
    if not is_a_lie(status, committed=of == "answer", asked=asked):
        check(write, error, asked=sent)


@pytest.mark.parametrize("of", ["request", "answer"])
@pytest.mark.parametrize(
    "make", [create, bulk_create, change, change_by_put, run], ids=lambda make: make.__name__
)
def test_silent_line(proxy: Proxy, connect: Connect, place: Place, make: Make, of: str) -> None:
    """A line that falls silent before the backend or behind it is told apart by asking."""
    write = make(place, connect(proxy.url, retries=0, read=QUIET))
    at(stall, of, FIRST)(proxy, write.request)
    error = tried(write)
    asked = len(proxy.requests(write.request))
    proxy.heal()

    assert error is not None
    assert 1 == asked
    check(write, error, asked=asked)


@pytest.mark.parametrize("make", WRITES, ids=named)
def test_refused_connection(backend: Backend, connect: Connect, place: Place, make: Make) -> None:
    """Where no connection comes about, the error says so, and nothing is written."""
    with Proxy(backend.address) as proxy:
        write = make(place, connect(proxy.url, retries=0))
    error = tried(write)

    assert TransportError in type(error).__mro__
    assert not isinstance(error, WriteUnconfirmedError)
    assert "connection refused" in str(error)
    assert 0 == write.had()


@pytest.mark.parametrize("make", WRITES, ids=named)
def test_idle_connection_was_closed(proxy: Proxy, connect: Connect, place: Place, make: Make) -> None:
    """A kept connection that the server has closed meanwhile is not written to."""
    session = connect(proxy.url, retries=0)
    write = make(place, session)
    Project.objects.using(session).count()
    proxy.hang_up()

    assert None is tried(write)
    assert (1, 1) == (write.had(), len(proxy.requests(write.request)))


@pytest.mark.parametrize("make, api", BY_EACH)
def test_lost_for_ever(proxy: Proxy, connect: Connect, place: Place, make: Make, api: Api) -> None:
    """Where every answer is lost, it is done once, whatever is said."""
    write = make(place, connect(proxy.url, api=api))
    proxy.harm(write.request, reset, of="answer", times=math.inf)
    error = tried(write)

    assert isinstance(error, TransportError)
    assert 1 == write.had()
    assert isinstance(error, WriteUnconfirmedError) != write.request.startswith(("PUT", "DELETE"))


WITH_FILES: Final = {
    model: "POST /models/",
    release: "POST /plugin_releases/",
    add: "POST /data_units/",
    items: "POST /tasks/",
}


@pytest.mark.parametrize("moment", ["closed before its last byte", "reset before the answer"])
@pytest.mark.parametrize("make", WITH_FILES, ids=lambda make: make.__name__)
def test_with_files(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, make: MakeDeed, moment: str
) -> None:
    """What was made of a file is found, or can be sent again, which makes one."""
    deed, path = make(place, connect(proxy.url)), source(make, make_file)
    MOMENTS[moment](proxy, WITH_FILES[make])
    error = deed.tried(path)
    assert isinstance(error, WriteUnconfirmedError)
    had, found = deed.had(path), resolved(error)

    assert (bool(had), not had) == (found.done, found.repeatable), str(found)
    once_more(make, deed, path)


def test_late_backend(proxy: Proxy, connect: Connect, place: Place) -> None:
    """A backend that acts after the limit is waited for, and what it made is found."""
    write = create(place, connect(proxy.url, retries=0, read=QUIET))
    proxy.harm(write.request, call(lambda: time.sleep(1.3 * QUIET)))
    error = tried(write)
    assert isinstance(error, WriteUnconfirmedError)
    assert 0 == write.had()

    assert error.resolve().done
    assert 1 == write.had()


@pytest.mark.parametrize(
    ("of", "done"), [pytest.param("request", False, marks=pytest.mark.full), ("answer", True)]
)
def test_killed_backend(tmp_path: Path, of: Any, done: bool) -> None:
    """A backend that dies over a write and comes back tells what became of it."""
    with Backend(tmp_path / "backend") as backend, Proxy(backend.address) as proxy:
        session = Session(proxy.url, api_token=backend.sandbox.api_token, retry=Retry(total=0))
        write = create(make_place(backend), session)
        proxy.harm(write.request, call(backend.kill, then=reset), of=of, at=FIRST if of == "answer" else LAST)
        error = tried(write)
        backend.restart()
        assert isinstance(error, WriteUnconfirmedError)

        assert (done, not done) == resolved(error)[:2]
        session.close()
