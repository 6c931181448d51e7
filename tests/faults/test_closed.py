"""A session that was closed: every call says so, also those that were begun before."""

from __future__ import annotations

import threading
import time

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import ConfigError, RemoteFile, Session
from synapse.dialects import Request
from tests.amounts import part
from tests.faults.every import CALLS, World
from tests.servers import Server, reply

SAID = r"this session is closed: make a new one for http://127\.0\.0\.1"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
ROWS = {"count": 500, "next": None, "previous": None, "results": [{"id": key} for key in range(1, 101)]}


@pytest.fixture
def server() -> Iterator[Server]:
    """Run a server that nobody should reach any more."""
    with Server() as server:
        yield server


@pytest.fixture
def session(server: Server, tmp_path: Path) -> Session:
    """A session that the test closes."""
    return Session(server.origin, api_token="token", state_dir=tmp_path / "state")


@pytest.mark.parametrize("name", part(CALLS, 1, of=2))
def test_every_call_says_so(server: Server, session: Session, tmp_path: Path, name: str) -> None:
    """It is a `ConfigError`, and nothing is sent."""
    session.close()
    with pytest.raises(ConfigError, match=SAID):
        CALLS[name].do(World(session, tmp_path))

    assert [] == server.received


class TestBegunBefore:
    """What was under way when the session was closed."""

    def test_iterator(self, server: Server, session: Session) -> None:
        """It gives what it has, then says so, and knows where it stood."""
        server.script = [reply(data=ROWS)]
        rows = session.tasks.iterator(page_size=100, workers=1)
        first = next(rows).id
        session.close()
        with pytest.raises(ConfigError, match=SAID) as caught:
            list(rows)

        assert (1, True) == (first, bool(caught.value.checkpoint))

    def test_lines(self, server: Server, session: Session) -> None:
        """A stream gives no further line."""
        server.script = [server.stall(EVENTS + b"data: 1\n\ndata: 2\n\n")]
        with session.lines(Request("GET", "tail/")) as lines:
            next(lines)
            session.close()
            with pytest.raises(ConfigError, match=SAID):
                list(lines)

    @pytest.mark.parametrize("kind", ["lines", "download", "tail", "file"])
    def test_silent_stream_is_woken(self, server: Server, session: Session, kind: str) -> None:
        """Who waits for the next bytes hears of it at once, not when the limit of the read is over."""
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" if kind in ("download", "file") else EVENTS
        server.script = [server.stall(head)]
        found = in_thread(lambda: READS[kind](session))
        while not server.received:
            time.sleep(0.01)
        time.sleep(0.1)
        session.close()

        assert [ConfigError] == [type(each) for each in found()]

    @pytest.mark.parametrize("chunked", [False, True])
    def test_upload(self, server: Server, session: Session, tmp_path: Path, chunked: bool) -> None:
        """An upload that is refused for now does not go on afterwards."""
        server.script = [reply(503, {}, headers=[("Retry-After", "30")])]
        (tmp_path / "a.bin").write_bytes(bytes(100))
        found = in_thread(lambda: session.data_files.upload(tmp_path / "a.bin", chunked=chunked))
        while not server.received:
            time.sleep(0.01)
        session.close()

        assert ([ConfigError], 1) == ([type(each) for each in found()], len(server.received))


READS: dict[str, Callable[[Session], Any]] = {
    "lines": lambda session: drain(session.lines(Request("GET", "tail/"))),
    "download": lambda session: drain_chunks(session.download("/a.bin")),
    "tail": lambda session: list(World(session, Path()).job.tail()),
    "file": lambda session: RemoteFile(url="/a.bin", session=session).read(),
}


def drain(stream: Any) -> None:
    with stream as lines:
        list(lines)


def drain_chunks(stream: Any) -> None:
    with stream as file:
        list(file.chunks())


def in_thread(work: Callable[[], object]) -> Callable[[], list[BaseException]]:
    """Start a thread, and return what waits for its end and gives the error that it ended with."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def ended() -> list[BaseException]:
        thread.join(10)
        return errors

    return ended
