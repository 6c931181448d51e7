"""Processes that are forked from one that uses a session: both go on, and nothing of the one gets to the other."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import requests

from synapse import QueryError, Retry, Session, SynapseError, Task, TransportError
from synapse.dialects import Request
from tests.servers import Received, Server, reply

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),  # that is what is tried here
]

GET: Final = Request("GET", "tasks/1/")
CHILD: Final = 1000
"""Keys from here on are asked for by the child."""


class Counting(Server):
    """Answers each request with its own key, and notes which came over which connection."""

    def __init__(self) -> None:
        super().__init__(self.echo)
        self.keys: dict[socket.socket, set[int]] = defaultdict(set)

    def echo(self, connection: socket.socket, received: Received) -> None:
        key = int(received.target.split("/")[2])
        self.keys[connection].add(key)
        connection.sendall(reply(data={"id": key, "project": key}))


@pytest.fixture
def server() -> Iterator[Counting]:
    """Run a server that knows who talks to it."""
    with Counting() as server:
        yield server


@pytest.fixture
def session(server: Server) -> Iterator[Session]:
    """A session with two workers, which gives up soon."""
    session = Session(server.origin, api_token="token", workers=2, retry=Retry(total=1, backoff=0.001))
    yield session
    session.close()


def in_child(work: Callable[[], object]) -> Callable[[], int]:
    """Fork, have the child call *work*, and return what waits for it and tells whether that was true."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return lambda: os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def raises(kind: type[Exception], words: str, work: Callable[[], object]) -> bool:
    """Whether a call raises such an error with such words."""
    try:
        work()
    except kind as error:
        return words in str(error)
    return False


def ask(session: Session, keys: range) -> bool:
    """Ask for each key in several threads, and tell whether everyone got what it asked for."""
    found = list(session.map(lambda key: session.send(Request("GET", f"tasks/{key}/")).data["id"], keys))
    return [each.result for each in found] == list(keys)


def begin(server: Server, work: Callable[[], object], *, count: int) -> threading.Thread:
    """Start a thread, and wait until the server has so many requests in all."""

    def run() -> None:
        with contextlib.suppress(SynapseError):  # the session is closed in the end
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while len(server.received) < count:
        time.sleep(0.005)
    time.sleep(0.05)
    return thread


class TestAfterUse:
    def test_no_answer_crosses_over(self, server: Counting, session: Session) -> None:
        """Parent and child go on side by side, over connections of their own."""
        assert ask(session, range(20))
        ended = in_child(lambda: ask(session, range(CHILD, CHILD + 60)))
        asked = ask(session, range(20, 80))

        assert (0, True) == (ended(), asked)
        assert all(min(keys) >= CHILD or max(keys) < CHILD for keys in server.keys.values())

    def test_no_answer_crosses_over_a_session_of_the_users(self, server: Counting) -> None:
        """`Session(http=…)`: the child leaves the connections of both to the parent."""
        own = requests.Session()
        session = Session(server.origin, api_token="token", workers=2, http=own)
        assert ask(session, range(20))
        ended = in_child(lambda: ask(session, range(CHILD, CHILD + 60)))
        asked = ask(session, range(20, 80))
        own.close()

        assert (0, True) == (ended(), asked)
        assert all(min(keys) >= CHILD or max(keys) < CHILD for keys in server.keys.values())

    def test_trace_and_cache_are_each_ones_own(self, session: Session) -> None:
        """What the child does is in its trace and its cache alone."""
        with session.trace() as calls:
            session.send(GET)
            ended = in_child(lambda: session.send(GET) and (len(calls), len(session.cache)) == (2, 0))
            session.cache.put("tasks", 1, row={"id": 1})

            assert (0, 1) == (ended(), len(calls))

    def test_a_grandchild_goes_on_as_well(self, session: Session) -> None:
        """However often it is forked."""
        session.send(GET)

        assert (
            0
            == in_child(lambda: ask(session, range(3)) and in_child(lambda: ask(session, range(5)))() == 0)()
        )


class TestWhileOthersAreAtIt:
    """The child is forked while another thread of the parent is in the middle of something."""

    def test_lanes(self, server: Counting, session: Session) -> None:
        """Whoever has them in the parent, the child has all of its own."""
        server.script = [server.stall(), server.stall(), server.echo]
        for count in (1, 2):
            begin(server, lambda: session.send(GET), count=count)
        ended = in_child(lambda: ask(session, range(8)))

        assert 0 == ended()

    def test_a_query(self, server: Counting, session: Session) -> None:
        """A query that a thread is reading is read anew."""
        page = {"count": 2, "next": None, "previous": None, "results": [{"id": 1}, {"id": 2}]}
        server.script = [server.stall(), reply(data=page)]
        tasks = session.tasks.filter(project=1).order_by("id")
        begin(server, lambda: list(tasks), count=1)
        ended = in_child(lambda: [task.id for task in tasks] == [1, 2])

        assert 0 == ended()

    def test_an_iterator(self, server: Counting, session: Session) -> None:
        """An iterator that a thread is waiting at says so, and where to go on."""
        server.script = [server.stall()]
        rows = session.tasks.iterator()
        begin(server, lambda: next(rows), count=1)
        ended = in_child(lambda: raises(QueryError, "queryset.resume(rows.checkpoint)", lambda: next(rows)))

        assert 0 == ended()

    def test_a_relation(self, server: Counting, session: Session) -> None:
        """A relation that a thread is loading for a whole page is loaded by the child itself."""
        rows = [{"id": key, "project": 7} for key in (1, 2)]
        page = {"count": 2, "next": None, "previous": None, "results": rows}
        server.script = [reply(data=page), server.stall(), reply(data={"id": 7, "title": "seven"})]
        tasks = list(Task.objects.using(session).order_by("id"))
        begin(server, lambda: tasks[0].project.title, count=2)
        ended = in_child(lambda: tasks[1].project.title == "seven")

        assert 0 == ended()

    def test_a_pause(self, server: Counting, session: Session) -> None:
        """A pause that the backend asked the parent for is none of the child's."""
        server.script = [reply(429, {}, headers=[("Retry-After", "30")]), server.echo]
        begin(server, lambda: session.send(GET), count=1)
        ended = in_child(lambda: ask(session, range(4)))

        assert 0 == ended()

    def test_a_stream(self, server: Counting, session: Session) -> None:
        """A stream stays with the parent, which gets every byte of it; the child is told."""
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"
        go_on = threading.Event()

        def halting(connection: socket.socket, _: Received) -> None:
            connection.sendall(head + b"abcd")
            go_on.wait(10)
            connection.sendall(b"efgh")

        server.script = [halting]
        with session.download("/a.bin") as file:
            blocks = file.chunks(4)
            got = [next(blocks)]
            ended = in_child(
                lambda: raises(TransportError, "before the process was forked", lambda: next(blocks))
            )
            code = ended()
            go_on.set()
            got += blocks

        assert (0, [b"abcd", b"efgh"]) == (code, got)


WORKERS: Final = """
import multiprocessing, sys
from functools import partial
from synapse import Session
from synapse.dialects import Request

def work(session, key):
    return session.send(Request("GET", f"tasks/{key}/")).data["id"]

if __name__ == "__main__":
    session = Session(sys.argv[1])
    assert [work(session, key) for key in range(3)] == [0, 1, 2]
    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
        found = pool.map(partial(work, session), range(1000, 1020))
    assert found == list(range(1000, 1020)), found
    assert [work(session, key) for key in range(3)] == [0, 1, 2]
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_workers_of_multiprocessing(server: Counting, tmp_path: Path, method: str) -> None:
    """They get the session by whatever way, and its token from the environment."""
    script = tmp_path / "work.py"
    script.write_text(WORKERS, encoding="utf-8")
    command = [sys.executable, str(script), server.origin, method]
    done = subprocess.run(
        command, env={**os.environ, "SYNAPSE_API_TOKEN": "token"}, timeout=50, capture_output=True, text=True
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert {"Token token"} == {each.headers["synapse-access-token"] for each in server.received}
    assert all(min(keys) >= CHILD or max(keys) < CHILD for keys in server.keys.values())
