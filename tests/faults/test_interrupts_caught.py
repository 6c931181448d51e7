"""Ctrl-C that a program catches: it comes at once, and the session goes on working."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import threading
import time

from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

import pytest

from synapse import Project, Session
from synapse.dialects import Request
from synapse.session import Retry
from tests.faults.every import World
from tests.servers import Received, Server, reply

# A socket or a file that was just being opened is left to Python, which says so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.usefixtures("nothing_else_called"),
]

SOON: Final = 5
"""Seconds that an interrupt may take at most on a busy machine; each of the waits lasts longer."""

GET: Final = Request("GET", "tasks/1/")
PATIENT: Final = {"timeout": {"connect": 20, "read": 20}, "retry": Retry(total=3, backoff=20, cap=20)}
EVENTS: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: hello\n"
FILE: Final = b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 100000\r\n\r\nbeginning'
JOB: Final = {"id": "00000000-0000-0000-0000-000000000001", "status": "running", "progress_record": {}}


def page(*keys: int, count: int = 900) -> bytes:
    rows = [{"id": key, "project": 1, "title": "a"} for key in keys]
    return reply(data={"count": count, "next": None, "previous": None, "results": rows})


def chained(*keys: int, data: object = None) -> bytes:
    """Answer with a page of API v2, which names the next one."""
    rows = [
        {"id": key, "project_id": 1, "data_unit_id": 1} | ({"data": data} if data else {}) for key in keys
    ]
    pagination = {"next_cursor": f"after {keys[-1]}", "previous_cursor": None, "per_page": 2}
    return reply(data={"data": rows, "meta": {"request_id": "req_1", "pagination": pagination}})


def tasks_by_v2(world: World) -> Any:
    return world.session.tasks.via("v2")


def row(connection: socket.socket, received: Received) -> None:
    """Answer any request for one object."""
    connection.sendall(reply(data={"id": 1, "name": "a"}))


class Alarm(TimeoutError):  # noqa: N818 - it is no error of the line, though a socket raises the same
    """Raised by the handler of a signal, as by tools that limit the time of something."""


def ring(*_: object) -> None:
    raise Alarm


@pytest.fixture(params=[KeyboardInterrupt, Alarm])
def interrupt(request: pytest.FixtureRequest) -> Iterator[type[BaseException]]:
    """What the signal raises in the main thread: Python's own interrupt, or whatever a handler does."""
    before = signal.signal(
        signal.SIGINT, signal.default_int_handler if request.param is KeyboardInterrupt else ring
    )
    yield request.param
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server that the test scripts; its last step stalls."""
    with Server() as server:
        yield server


@pytest.fixture
def session(server: Server, tmp_path: Path) -> Iterator[Session]:
    """A session that is patient, with as few lanes as it can have."""
    session = Session(server.origin, api_token="token", workers=2, state_dir=tmp_path / "state", **PATIENT)
    yield session
    session.close()


def wait_for(server: Server, requests: int) -> None:
    """Wait until the server has so many requests."""
    until = time.monotonic() + 20
    while len(server.received) < requests and time.monotonic() < until:
        time.sleep(0.01)


def soon(server: Server, *, after: int) -> None:
    """Interrupt this process once the server has so many requests and stands still."""

    def wait() -> None:
        wait_for(server, after)
        time.sleep(0.15)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=wait, daemon=True).start()


def upload(world: World, **options: Any) -> Any:
    return world.session.data_files.upload(world.new("a.bin"), **options)


def many(world: World) -> Any:
    return world.collection.upload([world.new(f"{number}.png") for number in range(4)], on_error="collect")


def create(world: World) -> Any:
    made = [Project(title="a", category="image", data_collection_id=1) for _ in range(6)]
    return Project.objects.using(world.session).bulk_create(made)


SPECS: Final = [
    {"name": "image_1", "file_type": "image", "index": 1, "is_primary": True, "is_required": True}
]
COLLECTION: Final = reply(data={"id": 1, "name": "a", "file_specifications": SPECS})

# What is done; what the server answers first, before it stalls; and after how many requests it is interrupted.
DEEDS: Final[dict[str, tuple[Callable[[World], Any], list[Any], int]]] = {
    "get": (lambda w: w.session.send(GET), [], 1),
    "count": (lambda w: w.tasks.count(), [], 1),
    "loop, inline": (lambda w: list(w.tasks.iterator(page_size=2, workers=1)), [page(1, 2)], 2),
    "loop, ahead": (lambda w: list(w.tasks.iterator(page_size=2, workers=4)), [page(1, 2)], 2),
    "query": (lambda w: list(w.tasks), [], 1),
    "v2, chain": (lambda w: list(tasks_by_v2(w).iterator(page_size=2)), [chained(4, 3)], 2),
    "v2, payload": (lambda w: [task.data for task in tasks_by_v2(w)[:2]], [chained(4, 3)], 2),
    "upload": (upload, [], 1),
    "upload in chunks": (lambda w: upload(w, chunked=True), [], 1),
    "upload of many": (many, [COLLECTION, page(count=0)], 2),
    "bulk_create": (create, [], 2),
    "update": (lambda w: w.tasks.update(is_discarded=True), [page(1, 2, count=2)], 2),
    "map": (lambda w: list(w.session.map(lambda _: w.session.send(GET), range(9))), [], 2),
    "download": (lambda w: w.file.download(w.target()), [FILE[:-5]], 1),
    "job.wait": (lambda w: w.job.wait(), [reply(data=JOB)] * 99, 1),
    "job.tail": (lambda w: list(w.job.tail()), [], 1),
    "Retry-After": (lambda w: w.session.send(GET), [reply(429, {}, headers=[("Retry-After", "50")])], 1),
    "pause before a repeat": (lambda w: w.session.send(GET), [reply(502, {})] * 4, 1),
}


@pytest.mark.parametrize("name", DEEDS)
def test_ends_what_is_under_way(
    server: Server, session: Session, tmp_path: Path, interrupt: type[BaseException], name: str
) -> None:
    """The interrupt arrives at once, and the next call is answered."""
    do, script, after = DEEDS[name]
    server.script = [*script, server.stall(EVENTS if name == "job.tail" else b"")]
    soon(server, after=after)
    started = time.monotonic()
    with pytest.raises(interrupt):
        do(World(session, tmp_path))
    spent = time.monotonic() - started
    server.script = [row]

    assert spent < SOON
    if name != "Retry-After":
        assert {"id": 1, "name": "a"} == session.send(GET).data


def test_ends_a_connection_that_does_not_come_about(tmp_path: Path, interrupt: type[BaseException]) -> None:
    """A machine that does not answer, as behind a firewall."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
        for _ in range(4):  # what the queue holds is not accepted, and no more fits
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        session = Session(f"http://127.0.0.1:{listener.getsockname()[1]}", api_token="token", **PATIENT)
        with Server() as nobody:
            soon(nobody, after=0)
            started = time.monotonic()
            with pytest.raises(interrupt):
                session.send(GET)

        assert time.monotonic() - started < SOON
        session.close()


def test_ends_the_wait_for_a_lane(server: Server, session: Session, interrupt: type[BaseException]) -> None:
    """Threads that have all lanes keep them; the next free one is found."""
    held = threading.Event()

    def hold(connection: socket.socket, received: Received) -> None:
        held.wait(20)
        row(connection, received)

    server.script = [hold, hold, row]
    threads = [threading.Thread(target=session.send, args=(GET,), daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    wait_for(server, 2)
    soon(server, after=2)
    with pytest.raises(interrupt):
        session.send(Request("GET", "tasks/2/"))
    held.set()
    for thread in threads:
        thread.join(10)

    assert {"id": 1, "name": "a"} == session.send(GET).data
    assert ["GET /tasks/1/"] * 3 == server.lines


# So is an interrupt in the middle of a destructor.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_at_any_moment_takes_no_lane_away(server: Server, tmp_path: Path) -> None:
    """Hundreds of interrupts, wherever they hit: the one lane that there is is free afterwards."""
    server.script = [row]
    session = Session(server.origin, api_token="token", workers=1, state_dir=False)
    session.send(GET)
    stop, caught, sent = threading.Event(), 0, 0
    before = signal.signal(signal.SIGINT, ring_inside)
    pest = threading.Thread(target=disturb, args=(stop,), daemon=True)
    pest.start()
    while caught < 300:
        try:
            session.send(GET)
            sent += 1
        except Alarm:
            caught += 1
    stop.set()
    pest.join(10)
    signal.signal(signal.SIGINT, before)
    others = [threading.Thread(target=session.send, args=(GET,), daemon=True) for _ in range(3)]
    for thread in others:
        thread.start()
    for thread in others:
        thread.join(10)
    session.close()

    assert ([False] * 3, True) == ([thread.is_alive() for thread in others], sent > 0)


def ring_inside(_: int, frame: FrameType | None) -> None:
    """Raise wherever a request is being sent, and leave the test itself alone."""
    while frame is not None:
        if frame.f_code is Session.send.__code__:
            raise Alarm
        frame = frame.f_back


def disturb(stop: threading.Event) -> None:
    """Interrupt this process again and again, at moments that follow no pattern."""
    chance = random.Random(5)
    while not stop.wait(chance.uniform(0.0005, 0.006)):
        os.kill(os.getpid(), signal.SIGINT)
