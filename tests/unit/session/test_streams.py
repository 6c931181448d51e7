"""Event streams and downloads, and how long a stream may be silent."""

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
from synapse.errors import NotFoundError, TransferError, TransportError
from synapse.session import Retry, Session, streams
from synapse.session.streams import SEVERAL, SHORTEST, Heartbeats
from tests.servers import Received, Server, Step, cut, reply, reset
from tests.unit.session.conftest import Connect, Serve

Scripted = Callable[..., tuple[Server, Session]]
TAIL = Request("GET", "jobs/1/tail_console_logs/")
EVENTS = "data: 하나\r\n\r\n: heartbeat\rdata: 둘\n\ndata: end".encode()


def chunked(*chunks: bytes) -> bytes:
    """Return an event stream in chunks."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


def tail(session: Session, request: Request = TAIL) -> list[str]:
    """Read a stream to its end."""
    with session.lines(request) as lines:
        return list(lines)


class TestLines:
    @pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
    def test_decodes_whatever_the_chunks(self, scripted: Scripted, size: int) -> None:
        """Lines are whole, in UTF-8 without a charset, wherever the chunks split letters and line ends."""
        _, session = scripted(chunked(*(EVENTS[at : at + size] for at in range(0, len(EVENTS), size))))

        assert ["data: 하나", "", ": heartbeat", "data: 둘", "", "data: end"] == tail(session)

    def test_ends_with_the_connection(self, scripted: Scripted) -> None:
        """A stream that says no length ends when the server closes."""
        whole = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\na\nb\n."
        _, session = scripted(cut(whole, at=1))

        assert ["a", "b"] == tail(session)

    def test_gives_a_line_as_soon_as_it_came(
        self, serve: Callable[..., Server], connect: Callable[..., Session]
    ) -> None:
        """A line is there while the stream goes on, past any read limit of the session."""
        server = serve()
        server.script = [server.stall(chunked(b"data: 1\n: beat\n").removesuffix(b"0\r\n\r\n"))]
        with connect(server, timeout={"read": 0.05}).lines(TAIL) as lines:
            first = next(lines), next(lines)

        assert ("data: 1", ": beat") == first

    def test_keeps_to_the_limit_of_the_request(
        self, serve: Callable[..., Server], connect: Callable[..., Session]
    ) -> None:
        """A silence longer than the request's own limit is an error."""
        server = serve()
        server.script = [server.stall(chunked(b"a\n").removesuffix(b"0\r\n\r\n"))]
        with pytest.raises(TransportError, match=r"nothing came within 0\.05 s"):
            tail(connect(server), Request("GET", "jobs/1/tail_console_logs/", read_timeout=0.05))

    @pytest.mark.parametrize("size", [5, 12])
    def test_reports_a_stream_that_broke(self, scripted: Scripted, size: int) -> None:
        """A stream that is cut is an error after the lines that came."""
        _, session = scripted(cut(chunked(b"a\n", b"b\n"), at=size))
        seen = []
        with pytest.raises(TransportError, match="GET /jobs/1/"), session.lines(TAIL) as lines:
            seen.extend(lines)

        assert [] == [line for line in seen if line not in ("a", "b")]

    def test_refuses_a_line_without_end(self, scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
        """A line that never ends is given up, not kept in memory."""
        monkeypatch.setattr("synapse.session.streams.LONGEST", 10)
        _, session = scripted(chunked(b"x" * 50))
        with pytest.raises(TransportError, match="a line is longer than"):
            tail(session)

    def test_raises_the_refusal(self, scripted: Scripted) -> None:
        """A stream that is refused is a typed error, and a passing refusal is tried again."""
        server, session = scripted(
            reply(503, {}, headers=[("Retry-After", "0")]), reply(404, {"detail": "no job"})
        )
        with pytest.raises(NotFoundError, match="404 no job"):
            tail(session)

        assert 2 == len(server.received)

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("text/html; charset=utf-8", b"<html><title>Sign in</title></html>"),
            ("application/json", b'{"token": "s3cret", "detail": "Sign in"}'),
        ],
    )
    def test_refuses_what_is_no_stream(self, scripted: Scripted, kind: str, body: bytes) -> None:
        """A page or an object in place of a stream is told, and shows no secret."""
        _, session = scripted(reply(raw=body, headers=[("Content-Type", kind)]))
        with pytest.raises(TransportError, match=f"expected a stream, got {kind}.*Sign in") as caught:
            tail(session)

        assert "s3cret" not in str(caught.value)

    def test_is_traced_when_it_ends(self, scripted: Scripted) -> None:
        """A stream is one call, with all the bytes that it brought."""
        _, session = scripted(chunked(b"a\n", b"b\n"))
        with session.trace() as calls:
            tail(session)

        assert [("/jobs/1/tail_console_logs/", 200, 4)] == [
            (call.path, call.status, call.received) for call in calls
        ]


CONTENT = bytes(range(256)) * 100


def picture(status: int = 200, **headers: str) -> bytes:
    """Return an answer that holds a file."""
    named = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return reply(status, raw=CONTENT, headers=[("Content-Type", "image/png"), *named])


class TestDownload:
    def test_fetches_without_tokens(self, serve: Callable[..., Server], scripted: Scripted) -> None:
        """A file on another host is fetched, and none of our headers goes there."""
        other = serve(picture())
        _, session = scripted(tenant="acme", agent_token="f" * 40)
        with session.download(f"{other.origin}/a.png?x=1#top", headers=[("If-Range", '"e"')]) as download:
            content = b"".join(download.chunks(1000))

        assert (CONTENT, len(CONTENT), 200) == (content, download.size, download.status)
        assert {"host", "user-agent", "accept", "accept-encoding", "if-range"} == {*other.received[0].headers}
        assert ["GET /a.png?x=1"] == other.lines

    def test_sends_no_token_to_its_own_host_either(self, scripted: Scripted) -> None:
        """A relative address is resolved against the host, and fetched without a token."""
        server, session = scripted(picture())
        with session.download("/media/한.png"):
            pass

        assert ["GET /media/%ED%95%9C.png"] == server.lines
        assert "synapse-access-token" not in server.received[0].headers

    def test_goes_on_from_a_byte(self, scripted: Scripted) -> None:
        """A start asks for a range; the size is that of the whole file."""
        server, session = scripted(picture(206, Content_Range=f"bytes 10-99/{len(CONTENT) + 10}"))
        with session.download("/a.png", start=10) as download:
            size = download.size

        assert "bytes=10-" == server.received[0].headers["range"]
        assert (206, len(CONTENT) + 10) == (download.status, size)

    @pytest.mark.parametrize(
        "answer",
        [
            picture(206, Content_Range="bytes 10-99/*"),
            chunked(b"abc"),
            reply(raw=CONTENT, headers=[("Content-Encoding", "br")]),
        ],
    )
    def test_does_not_guess_a_size(self, scripted: Scripted, answer: bytes) -> None:
        """Where the server does not tell the size of the file, there is none."""
        _, session = scripted(answer)
        with session.download("/a.png") as download:
            assert download.size is None

    def test_follows_redirects_anywhere(self, serve: Callable[..., Server], scripted: Scripted) -> None:
        """A redirect of a plain file may lead to another host."""
        other = serve(picture())
        _, session = scripted(reply(302, {}, headers=[("Location", f"{other.origin}/b.png")]))
        with session.download("/a.png") as download:
            assert CONTENT == b"".join(download.chunks())

    def test_does_not_give_up_tls(
        self, secure: tuple[Server, str], serve: Callable[..., Server], connect: Callable[..., Session]
    ) -> None:
        """What was to come by https does not come in the open, where anyone could change it."""
        server, certificate = secure
        other = serve(picture())
        server.script[:] = [reply(302, {}, headers=[("Location", f"{other.origin}/b.png")])]
        session = connect(server, verify=certificate)
        with pytest.raises(TransferError, match="from https to http"), session.download("/a.png"):
            pass

        assert [] == other.lines

    @pytest.mark.parametrize("trouble", [reset, reply(503, {}, headers=[("Retry-After", "0")])])
    def test_tries_again_to_begin(self, scripted: Scripted, trouble: Step) -> None:
        """A download that could not begin is tried again."""
        _, session = scripted(trouble, picture())
        with session.download("/a.png") as download:
            assert CONTENT == b"".join(download.chunks())

    def test_reports_a_file_that_broke_off(self, scripted: Scripted) -> None:
        """A file that is cut is an error after the bytes that came, without its signature."""
        _, session = scripted(cut(picture(), at=100))
        seen = b""
        address = "/a.png?signature=s3cret"
        with (
            session.trace() as calls,
            pytest.raises(TransportError) as caught,
            session.download(address) as file,
        ):
            for chunk in file.chunks(1000):
                seen += chunk

        assert "GET /a.png: the answer broke off" == str(caught.value)
        assert "s3cret" not in f"{caught.value.url} {calls}"
        assert CONTENT.startswith(seen)
        assert "the answer broke off" == calls[0].error

    def test_raises_the_refusal(self, scripted: Scripted) -> None:
        """A file that is not there is a typed error."""
        _, session = scripted(reply(404, raw=b"<Error>", headers=[("Content-Type", "application/xml")]))
        with pytest.raises(NotFoundError, match="GET /a.png: 404 <Error>"):
            session.download("/a.png").__enter__()

    @pytest.mark.parametrize(
        "url", ["ftp://h/a", "data:image/png;base64,AA==", "file:///etc/passwd", "http://[::1"]
    )
    def test_refuses_what_is_not_on_the_web(self, scripted: Scripted, url: str) -> None:
        """Only http(s) addresses can be fetched."""
        _, session = scripted()
        with pytest.raises(TransferError, match="nothing can be fetched"):
            session.download(url).__enter__()

    def test_reports_a_host_that_does_not_exist(self, scripted: Scripted) -> None:
        """A name that cannot be resolved is told in plain words."""
        _, session = scripted(retry=Retry(total=0))
        with pytest.raises(TransportError, match=r"the host name \S+ could not be resolved"):
            session.download("http://host.invalid/a.png").__enter__()


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

    monkeypatch.setattr(streams, "SHORTEST", 0.1)
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
