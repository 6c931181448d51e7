"""Event streams and files."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from synapse.dialects.wire import Request
from synapse.errors import NotFoundError, TransferError, TransportError
from synapse.session import Retry, Session
from tests.servers import Server, Step, cut, reply, reset

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
        with pytest.raises(TransportError, match="the host name could not be resolved"):
            session.download("http://host.invalid/a.png").__enter__()
