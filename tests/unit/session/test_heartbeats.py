"""How long a stream may be silent."""

from __future__ import annotations

import socket
import threading
import time

from collections.abc import Callable, Iterable

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse import BackendClient, Job
from synapse.dialects.wire import Request
from synapse.errors import TransportError
from synapse.session import Session, heartbeats, streams
from synapse.session.heartbeats import SEVERAL, SHORTEST, Heartbeats
from tests.servers import Received
from tests.unit.session.conftest import Connect, Serve

JOB = "0e4f1c3a-0000-4000-8000-000000000000"
TAKEN = threading.Event()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def limit_after(*moments: float, line: str = ": heartbeat") -> float | None:
    """Tell the limit of a stream that began at 0 and showed at these moments that it lives."""
    beats = Heartbeats(0)
    for moment in moments:
        beats.take([line], now=moment)
    return beats.limit


class TestLimit:
    @pytest.mark.parametrize(
        ("moments", "limit"),
        [
            ((), None),
            ((15,), None),
            ((0, 15, 30), 60),
            ((15, 30), 60),
            ((0.1, 0.2), SHORTEST),
            ((1, 2, 30, 31), 28 * 4),
            ((150, 150, 150, 300, 300), 600),
            ((0, 0, 15), None),
        ],
        ids=["none", "one", "one at once", "every 15 s", "fast", "uneven", "held back by a proxy", "padding"],
    )
    def test_is_several_times_the_longest_pause(
        self, moments: tuple[float, ...], limit: float | None
    ) -> None:
        """Only where two were seen is there a rhythm."""
        assert limit == limit_after(*moments)

    @pytest.mark.parametrize(
        "line", [":", ": ", ":keep", "event: ping", "event:heartbeat", "EVENT: keep-alive "]
    )
    def test_knows_what_only_shows_life(self, line: str) -> None:
        """Comments, and events that servers send for nothing else."""
        assert 60 == limit_after(15, 30, line=line)

    @pytest.mark.parametrize("line", ["data: :", "", " :", "event: log", "data: ping", "event: pingpong"])
    def test_takes_nothing_else_for_it(self, line: str) -> None:
        """What a job prints comes when it likes."""
        assert limit_after(15, 30, line=line) is None

    @given(st.lists(st.floats(0.02, 1e6), min_size=2))
    def test_is_never_shorter_than_the_rhythm(self, pauses: list[float]) -> None:
        """A stream that goes on as it did is not given up."""
        moments = [sum(pauses[: number + 1]) for number in range(len(pauses))]
        limit = limit_after(*moments)

        assert limit is not None and limit >= 0.99 * SEVERAL * max(pauses)


def beating(
    *pauses: float, then: Callable[[socket.socket], object]
) -> Callable[[socket.socket, Received], object]:
    """Begin a stream, send a heartbeat after each pause once the one before was taken, and go on otherwise."""

    def step(connection: socket.socket, _: Received) -> None:
        connection.sendall(HEAD)
        for pause in pauses:
            time.sleep(pause)
            TAKEN.clear()
            connection.sendall(b": heartbeat\n\n")
            TAKEN.wait(10)
        then(connection)

    return step


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the shortest limit be a tenth of a second, and tell the server what was taken."""
    take = Heartbeats.take

    def told(self: Heartbeats, lines: list[str], *, now: float) -> bool:
        found = take(self, lines, now=now)
        TAKEN.set()
        return found

    monkeypatch.setattr(heartbeats, "SHORTEST", 0.1)
    monkeypatch.setattr(Heartbeats, "take", told)


DOORS: dict[str, Callable[[Session], Iterable[str]]] = {
    "orm": lambda session: Job.ref(JOB).tail(),
    "flat client": lambda session: BackendClient(session.host, api_token="t").tail_job_console_logs(JOB),
}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("door", DOORS)
def test_a_tail_whose_backend_fell_silent_ends(serve: Serve, connect: Connect, door: str) -> None:
    """After several of the backend's own pauses it is over, though the connection stands."""
    server, silent = serve(), threading.Event()
    server.script = [beating(0.02, 0.02, 0.02, then=lambda _: silent.wait(20))]
    with connect(server) as session, pytest.raises(TransportError, match=r"nothing came within 0\.\d+ s"):
        list(DOORS[door](session))
    silent.set()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("beats", [(), (0.0,)], ids=["none", "one"])
def test_a_tail_without_a_rhythm_may_be_silent(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, beats: tuple[float, ...]
) -> None:
    """A job that prints nothing for long is not given up, whatever the session's limit for an answer."""

    def late(connection: socket.socket) -> None:
        time.sleep(0.3)
        connection.sendall(b'data: {"type": "log", "data": "at last"}\n\ndata: {"type": "complete"}\n\n')

    server = serve()
    server.script = [beating(*beats, then=late)]
    monkeypatch.setattr(streams, "_HEAD", 0.2)
    with connect(server, timeout={"read": 0.1}):
        assert ["at last"] == list(Job.ref(JOB).tail())


def test_a_tail_that_never_begins_ends(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backend that takes the request and says nothing at all is given up."""
    monkeypatch.setattr(streams, "_HEAD", 0.1)
    server = serve()
    server.script = [server.stall()]
    with connect(server), pytest.raises(TransportError, match=r"nothing came within 0\.1 s"):
        list(Job.ref(JOB).tail())


@pytest.mark.parametrize("kind", ["stream", "file"])
def test_a_peer_that_is_gone_is_asked_for(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """The system sends a question into a silent connection, so that one whose other end is gone breaks."""
    made: list[socket.socket] = []
    create = socket.socket.connect

    def connected(self: socket.socket, address: object) -> None:
        made.append(self)
        create(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", connected)
    session = connect(serve(HEAD + b"data: 1\n\n"))
    with session.lines(Request("GET", "tail/")) if kind == "stream" else session.download("/a"):
        kept = made[-1].getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        idle = made[-1].getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)

    assert (1, 60) == (kept, idle)
