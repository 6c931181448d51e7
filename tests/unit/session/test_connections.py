"""Answers that trickle, and answers that are too much."""

from __future__ import annotations

import socket

from collections.abc import Callable

import pytest

from synapse.dialects.wire import Request
from synapse.errors import TransportError, WriteUnconfirmedError
from synapse.session import Retry, Session
from synapse.session.config import MIB
from synapse.session.decoding import FEW
from tests.servers import Received, Server, Step, cut, reply

Serve = Callable[..., Server]
Connect = Callable[..., Session]
Scripted = Callable[..., tuple[Server, Session]]
LIST = Request("GET", "tasks/")
GET, POST = (Request(method, "tasks/", textual=True) for method in ("GET", "POST"))
FILE = reply(raw=b"x" * 40, headers=[("Content-Type", "text/plain")])


def trickle(server: Server, answer: bytes, *, ahead: int, every: float = 0.02) -> Step:
    """Return a step that sends *ahead* bytes at once, and then one by one."""

    def step(connection: socket.socket, _: Received) -> None:
        connection.sendall(answer[:ahead])
        for at in range(ahead, len(answer)):
            server.released.wait(every)
            connection.sendall(answer[at : at + 1])

    return step


@pytest.mark.parametrize("ahead", [5, len(FILE) - 40], ids=["headers", "body"])
@pytest.mark.parametrize(("method", "expected"), [("GET", TransportError), ("POST", WriteUnconfirmedError)])
def test_gives_up_an_answer_that_trickles(
    serve: Serve, connect: Connect, ahead: int, method: str, expected: type[Exception]
) -> None:
    """An answer whose every byte comes in time is given up all the same, and not asked for again."""
    server = serve()
    server.script = [trickle(server, FILE, ahead=ahead)]
    session = connect(server, timeout={"read": 0.6}, retry=Retry(total=3, backoff=0))
    with pytest.raises(expected, match=r"the answer was not whole within 0\.6 s"):
        session.send(Request(method, "tasks/"))

    assert 1 == len(server.received)


def test_gives_up_an_answer_that_trickles_through_a_proxy(serve: Serve, connect: Connect) -> None:
    """A proxy gets no more time."""
    server = serve()
    server.script = [trickle(server, FILE, ahead=len(FILE) - 40)]
    session = connect(
        "http://api.invalid", proxies={"http": server.origin}, timeout={"read": 0.2}, retry=Retry(total=0)
    )
    with pytest.raises(TransportError, match="the answer was not whole"):
        session.send(Request("GET", "tasks/"))


def test_gives_files_and_streams_their_time(serve: Serve, connect: Connect) -> None:
    """Only the single read of a download or a stream is limited."""
    server = serve()
    server.script = [trickle(server, FILE, ahead=len(FILE) - 40, every=0.015)]  # more than the limit in all
    session = connect(server, timeout={"read": 0.5})
    with session.download("/a.png") as download:
        content = b"".join(download.chunks())
    with session.lines(Request("GET", "jobs/1/tail_console_logs/", read_timeout=0.5)) as lines:
        text = list(lines)

    assert (b"x" * 40, ["x" * 40]) == (content, text)


@pytest.mark.parametrize("at", [1, 20, 60])
def test_a_file_whose_head_breaks_off_is_no_empty_file(serve: Serve, connect: Connect, at: int) -> None:
    """An answer that ends before the blank line after its headers is asked for again."""
    server = serve(cut(FILE, at=40 + at), FILE)
    with connect(server).download(f"{server.origin}/a.txt") as file:
        got = b"".join(file.chunks())

    assert (b"x" * 40, 2) == (got, len(server.received))


def no_memory(*_: object, **__: object) -> None:
    """Do what Python does where there is none left."""
    raise MemoryError


class TestRoom:
    def test_refuses_more_values_than_memory_should_hold(self, scripted: Scripted) -> None:
        """A few bytes of text may be many in memory: of a small answer, a million values at most."""
        few, many = ([0] * count for count in (FEW - 1, FEW + 1))
        _, session = scripted(reply(data=few), reply(data=many), max_answer=4 * MIB)

        assert few == session.send(LIST).data
        with pytest.raises(TransportError, match="more than 1,000,000 values") as caught:
            session.send(LIST)
        assert (True, 200) == (caught.value.too_large, caught.value.status_code)

    def test_refuses_them_before_a_page_is_decoded(self, scripted: Scripted) -> None:
        """What reads pages without parsing all of them counts no values."""
        asked: list[bytes] = []
        _, session = scripted(reply(data=[0] * (FEW + 1)), max_answer=4 * MIB)

        with pytest.raises(TransportError, match="more than 1,000,000 values"):
            session.send(LIST, decode=asked.append)
        assert [] == asked

    @pytest.mark.parametrize("place", ["delivery.parse", "delivery.text_of", "transport.Transport.exchange"])
    def test_reports_what_there_is_no_memory_for(
        self, scripted: Scripted, monkeypatch: pytest.MonkeyPatch, place: str
    ) -> None:
        """It is an answer that is too large, of a write one that may have been made."""
        _, session = scripted(reply(raw=b"{"), max_answer=4 * MIB)
        monkeypatch.setattr(f"synapse.session.{place}", no_memory)
        for request, kind in ((GET, TransportError), (POST, WriteUnconfirmedError)):
            with pytest.raises(kind, match="more than there is memory for") as caught:
                session.send(request)
            assert caught.value.too_large
