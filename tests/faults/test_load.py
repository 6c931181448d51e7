"""Many threads on one session: nothing fails, nothing is mixed up, and no more connections than workers."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import pytest

from synapse import Session, Task, WriteUnconfirmedError
from synapse.dialects import Request
from synapse.session import Retry
from tests.faults.conftest import Connect, Place
from tests.faults.hostile import Proxy
from tests.faults.hostile import Received as PassedOn
from tests.servers import Received, Server, Step, reply

THREADS: Final = 32
CALLS: Final = 40
GET: Final = Request("GET", "tasks/1/")


def echo(connection: socket.socket, received: Received) -> None:
    """Answer with the key that was asked for."""
    connection.sendall(reply(data={"id": int(received.target.split("/")[2])}))


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server that answers each request with its own key, and keeps its connections open."""
    with Server(echo) as server:
        yield server


@pytest.fixture
def open_session() -> Iterator[Callable[..., Session]]:
    """Open sessions that are closed afterwards."""
    with contextlib.ExitStack() as stack:

        def make(server: Server, **options: Any) -> Session:
            session = Session(server.origin, api_token="token", state_dir=False, **options)
            stack.callback(session.close)
            return session

        yield make


def side_by_side(work: Callable[[int], Any], *, threads: int = THREADS) -> list[Any]:
    """Call *work* with the number of its thread in so many that start together, and return what they give."""
    gate = threading.Barrier(threads)

    def start(number: int) -> Any:
        gate.wait(30)
        return work(number)

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(start, range(threads)))


def at_once(received: list[PassedOn]) -> int:
    """Return how many requests were under way at the most."""
    return max(sum(other.came <= each.came < other.answered for other in received) for each in received)


def make_task(place: Place) -> int:
    """Make a task with a unit of its own, and return its key."""
    file = place.wire.data_file(name="a.bin")
    unit = {"data_collection": place.collection, "files": {"data_1": {"checksum": file["checksum"]}}}
    (made,) = place.wire.create("data_units/", [unit])
    (task,) = place.wire.create("tasks/", [{"project": place.project, "data_unit": made["id"]}])
    return int(task["id"])


class TestThreads:
    def test_share_as_many_connections_as_there_are_workers(
        self, server: Server, open_session: Callable[..., Session]
    ) -> None:
        """Each gets its own answers, over eight connections that serve them all."""
        session = open_session(server)

        def work(number: int) -> list[int]:
            keys = range(number * CALLS, (number + 1) * CALLS)
            return [session.send(Request("GET", f"tasks/{key}/")).data["id"] for key in keys]

        found = side_by_side(work)

        assert list(range(THREADS * CALLS)) == [key for keys in found for key in keys]
        assert (THREADS * CALLS, 8) == (len(server.received), len(server.connections))

    def test_get_their_turns_alike(self, server: Server, open_session: Callable[..., Session]) -> None:
        """With one lane for all, nobody is done before everyone has begun."""
        session = open_session(server, workers=1)
        side_by_side(lambda number: [session.send(Request("GET", f"tasks/{number}/")) for _ in range(10)])
        asked = [int(received.target.split("/")[2]) for received in server.received]
        first = {number: asked.index(number) for number in range(THREADS)}
        last = {number: len(asked) - asked[::-1].index(number) for number in range(THREADS)}

        assert max(first.values()) < min(last.values())

    @pytest.mark.filterwarnings("ignore::synapse.orm.SlowLoopWarning")
    def test_read_objects_of_a_real_backend(self, proxy: Proxy, connect: Connect, place: Place) -> None:
        """Rows and their relations, which all share, are each thread's own; at most eight are asked for at once."""
        made = [make_task(place) for _ in range(8)]
        session = connect(proxy.url)
        tasks = Task.objects.using(session)

        def work(number: int) -> set[tuple[int, str]]:
            mine = tasks.filter(id__in=[made[number % 8]])
            return {(task.id, task.project.title) for _ in range(4) for task in mine.all()}

        assert [{(made[number % 8], "Faults")} for number in range(THREADS)] == side_by_side(work)
        assert at_once(proxy.received) <= 8


class TestLanes:
    def test_are_as_many_as_were_asked_for(self, open_session: Callable[..., Session]) -> None:
        """`workers=…` counts for the call that it was given to, whatever the session has."""
        gate = threading.Barrier(16)

        def wait(connection: socket.socket, received: Received) -> None:
            gate.wait(20)
            echo(connection, received)

        with Server(wait) as server:
            session = open_session(server, workers=2)
            done = list(session.map(lambda _: session.send(GET), range(16), workers=16))

        assert ([None] * 16, 16) == ([each.error for each in done], len(server.connections))

    def test_are_not_held_by_open_streams(self, open_session: Callable[..., Session]) -> None:
        """Streams that are silent before and after their heads leave a session with one worker usable."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        with Server() as server, contextlib.ExitStack() as stack:
            server.script = [server.stall(head)] * 3 + [server.stall(), echo]
            session = open_session(server, workers=1)
            for _ in range(3):
                stack.enter_context(session.lines(Request("GET", "jobs/1/tail/")))
            opening = threading.Thread(target=open_and_fail, args=(session,), daemon=True)
            opening.start()
            while len(server.received) < 4:
                time.sleep(0.01)

            assert {"id": 1} == session.send(GET).data


def open_and_fail(session: Session) -> None:
    with contextlib.suppress(Exception), session.lines(Request("GET", "jobs/1/tail/")):
        pass


def closing(answer: bytes) -> Step:
    """Answer, and close the connection without a word."""

    def step(connection: socket.socket, _: Received) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_RDWR)

    return step


class TestIdleConnections:
    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "PUT", "DELETE"])
    def test_that_were_closed_meanwhile_are_replaced(
        self, open_session: Callable[..., Session], method: str
    ) -> None:
        """The next request goes over a new one, once."""
        with Server(closing(reply(data={}))) as server:
            session = open_session(server, retry=Retry(total=0))
            for _ in range(3):
                session.send(Request(method, "tasks/1/"))
                time.sleep(0.05)

        assert (3, 3) == (len(server.received), len(server.connections))

    @pytest.mark.parametrize(("method", "count"), [("GET", 3), ("PUT", 3), ("POST", 2)])
    def test_that_close_as_a_request_comes(
        self, open_session: Callable[..., Session], method: str, count: int
    ) -> None:
        """What may be repeated is repeated; a write of which nobody knows is not."""

        def drop(connection: socket.socket, _: Received) -> None:
            connection.shutdown(socket.SHUT_RDWR)

        with Server(reply(data={}), drop, reply(data={})) as server:
            session = open_session(server, retry=Retry(backoff=0.001))
            session.send(GET)
            unknown = pytest.raises(WriteUnconfirmedError) if method == "POST" else contextlib.nullcontext()
            with unknown:
                session.send(Request(method, "tasks/1/", json={} if method != "GET" else None))

        assert count == len(server.received)
