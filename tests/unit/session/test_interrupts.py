"""What the handlers of signals raise."""

from __future__ import annotations

import signal
import socket
import ssl
import time

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from synapse.dialects import Request
from synapse.session import Session
from synapse.session.network_settings import check_bundle
from tests.servers import Received, Server

Scripted = Callable[..., tuple[Server, Session]]

GET = Request("GET", "tasks/")


class Alarm(TimeoutError):  # noqa: N818 - it is no error of the line, though a socket raises the same
    """Raised by a limit on a piece of work."""


def ring(*_: object) -> None:
    raise Alarm


def ring_of(name: str, number: int, frame: FrameType | None) -> None:
    raise Alarm(name, number)


def ring_once(number: int, frame: FrameType | None) -> None:
    """Put back what was there before, and tell."""
    signal.signal(number, signal.SIG_DFL)
    ring_of("once", number, frame)


class Bell:
    """A limit with a name."""

    def __call__(self, number: int, frame: FrameType | None) -> None:
        raise Alarm(number)

    def ring(self, number: int, frame: FrameType | None) -> None:
        raise Alarm(number)


HANDLERS = {
    "function": ring,
    "lambda": lambda number, frame: ring(),
    "partial": partial(ring_of, "a"),
    "method": Bell().ring,
    "object": Bell(),
    "once": ring_once,
}


@pytest.fixture(params=HANDLERS.values(), ids=list(HANDLERS))
def alarm(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have a handler for the alarm that the server sets off."""
    before = signal.signal(signal.SIGALRM, request.param)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def silence(_: socket.socket, __: Received) -> None:
    """Let the alarm ring soon, and answer nothing."""
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    time.sleep(20)


def one_by_one(session: Session) -> Any:
    return list(session.map(session.send, [GET, GET], workers=1))


@pytest.mark.parametrize("do", [lambda session: session.send(GET), one_by_one], ids=["send", "map"])
@pytest.mark.usefixtures("alarm")
def test_is_no_error_of_the_line_whatever_the_handler_is(
    scripted: Scripted, do: Callable[[Session], Any]
) -> None:
    """It comes out as it is, at once, and nothing is sent again; nor is it the outcome of an item."""
    server, session = scripted()
    server.script = [silence]
    with pytest.raises(Alarm):
        do(session)

    assert 1 == len(server.received)


def test_is_no_error_of_a_file_of_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A limit that ends while certificates are read says nothing of them."""
    before = signal.signal(signal.SIGALRM, ring)
    monkeypatch.setattr(
        ssl.SSLContext, "load_verify_locations", lambda *_, **__: signal.raise_signal(signal.SIGALRM)
    )
    with pytest.raises(Alarm):
        check_bundle(str(tmp_path), setting="REQUESTS_CA_BUNDLE")
    signal.signal(signal.SIGALRM, before)
