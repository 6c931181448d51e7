"""Bodies, proxies, certificates and cuts at every byte."""

from __future__ import annotations

import gzip
import io
import socket
import threading
import time

from collections.abc import Callable
from pathlib import Path

import pytest

from synapse.dialects.wire import Request
from synapse.errors import (
    ConfigError,
    NotFoundError,
    OriginError,
    TransferError,
    TransportError,
    WriteUnconfirmedError,
)
from synapse.session import Retry, Session
from tests.servers import Received, Server, Step, cut, reply, reset

Serve = Callable[..., Server]
Connect = Callable[..., Session]
Scripted = Callable[..., tuple[Server, Session]]
Secure = tuple[Server, str]
GET = Request("GET", "tasks/")


class Content:
    """A body in memory that counts how often it was opened and closed."""

    content_type = "application/octet-stream"

    def __init__(self, content: bytes, *, length: int | None = None) -> None:
        self.content = content
        self.length = len(content) if length is None else length
        self.opened: list[io.BytesIO] = []

    def open(self) -> io.BytesIO:
        self.opened.append(io.BytesIO(self.content))
        return self.opened[-1]


class Broken(Content):
    """A body whose reading fails with the error given."""

    def __init__(self, error: Exception, *, at_once: bool = False) -> None:
        super().__init__(b"", length=10)
        self.error = error
        self.at_once = at_once

    def open(self) -> io.BytesIO:
        if self.at_once:
            raise self.error
        error = self.error

        class Reader(io.BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                raise error

        return Reader()


class Endless:
    """A source that cannot be closed."""

    def read(self, size: int) -> bytes:
        return bytes(size)


class TestBodies:
    def test_takes_a_source_that_cannot_be_closed(self, scripted: Scripted) -> None:
        """A source needs to be readable, no more."""
        server, session = scripted()
        body = Content(b"", length=3)
        body.open = Endless  # type: ignore[method-assign, assignment]
        session.send(Request("PUT", "chunked_upload/", body=body))

        assert bytes(3) == server.received[0].body

    def test_sends_a_stream_of_known_length(self, scripted: Scripted) -> None:
        """A body is sent whole with its type and length, and closed."""
        server, session = scripted()
        body = Content(b"x" * 200_000)
        session.send(Request("POST", "files/", body=body))
        request = server.received[0]

        assert body.content == request.body
        assert ("application/octet-stream", "200000") == (
            request.headers["content-type"],
            request.headers["content-length"],
        )
        assert body.opened[0].closed

    def test_opens_the_body_for_each_attempt(self, scripted: Scripted) -> None:
        """A repeated PUT sends its body from the start again."""
        server, session = scripted(reset, reply(data={}))
        body = Content(b"chunk")
        session.send(Request("PUT", "chunked_upload/", body=body))

        assert [b"chunk", b"chunk"] == [request.body for request in server.received]
        assert [True, True] == [opened.closed for opened in body.opened]

    def test_sends_no_more_than_was_said(self, scripted: Scripted) -> None:
        """A body that has grown is sent up to its length."""
        server, session = scripted()
        session.send(Request("PUT", "chunked_upload/", body=Content(b"chunk and more", length=5)))

        assert b"chunk" == server.received[0].body

    def test_sends_an_empty_body(self, scripted: Scripted) -> None:
        """A body of no bytes is sent as such."""
        server, session = scripted()
        session.send(Request("PUT", "chunked_upload/", body=Content(b"")))

        assert "0" == server.received[0].headers["content-length"]

    def test_reports_a_body_that_shrank(self, scripted: Scripted) -> None:
        """A body shorter than its length breaks the request off; the backend cannot take it for whole."""
        server, session = scripted()
        with pytest.raises(TransferError, match=r"POST /files/: the body ended 95 bytes early"):
            session.send(Request("POST", "files/", body=Content(b"chunk", length=100)))

        assert [] == [request.body for request in server.received if len(request.body) == 100]

    @pytest.mark.parametrize("at_once", [True, False])
    def test_reports_a_body_that_cannot_be_read(self, scripted: Scripted, at_once: bool) -> None:
        """A file that vanishes is an error of the transfer, not of the network."""
        _, session = scripted()
        body = Broken(FileNotFoundError(2, "No such file or directory"), at_once=at_once)
        with pytest.raises(TransferError, match=r"the body cannot be (opened|read) \(No such file"):
            session.send(Request("POST", "files/", body=body))

    @pytest.mark.parametrize("error", [KeyError("own"), ValueError("own")])
    def test_raises_what_the_body_raises(self, scripted: Scripted, error: Exception) -> None:
        """An error of the body's own comes through as it is."""
        _, session = scripted()
        with pytest.raises(type(error), match="own"):
            session.send(Request("POST", "files/", body=Broken(error)))

    def test_survives_a_server_that_pauses(self, serve: Serve, connect: Connect) -> None:
        """A backend that stops reading for longer than the limit for connecting does not break an upload."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            session = connect(
                f"http://127.0.0.1:{listener.getsockname()[1]}", timeout={"connect": 0.1, "read": 5}
            )
            thread = threading.Thread(target=_slow, args=(listener, 20_000_000))
            thread.start()
            answer = session.send(Request("POST", "files/", body=Content(bytes(20_000_000))))
            thread.join()

        assert {"id": 7} == answer.data

    def test_keeps_an_early_refusal(self, scripted: Scripted) -> None:
        """A refusal that comes while the body is being sent is the answer."""

        def refuse(connection: socket.socket, _: Received) -> None:
            connection.sendall(reply(404, {"detail": "no such upload"}, headers=[("Connection", "close")]))
            connection.shutdown(socket.SHUT_WR)

        _, session = scripted(refuse)
        with pytest.raises(NotFoundError, match="no such upload"):
            session.send(Request("PUT", "chunked_upload/1/", body=Content(bytes(100_000))))


def _slow(listener: socket.socket, size: int) -> None:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as stream:
        time.sleep(0.4)
        while stream.readline().strip():
            pass
        stream.read(size)
        connection.sendall(reply(data={"id": 7}))


class TestConnections:
    def test_notices_a_connection_that_ended_meanwhile(self, scripted: Scripted) -> None:
        """A write does not fail because the server has closed an idle connection."""
        server, session = scripted(cut(reply(data={}) + b".", at=1), reply(data={"id": 7}))
        session.send(GET)
        patience = time.monotonic() + 5
        while server.connections[0].fileno() >= 0 and time.monotonic() < patience:
            time.sleep(0.01)

        assert {"id": 7} == session.send(Request("POST", "tasks/", json={})).data

    def test_takes_an_answer_to_head_as_it_is(self, scripted: Scripted) -> None:
        """An answer to HEAD has headers only, and need not say how long a body would be."""
        _, session = scripted(reply(raw=b"", headers=[("Content-Length", ""), ("X-Total", "7")]))

        assert "7" == session.send(Request("HEAD", "tasks/")).headers["X-Total"]


class TestCuts:
    WHOLE = reply(201, {"id": 7, "name": "한글"}, headers=[("X-Request-Id", "r-1")])

    CHUNKED = b'HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"id": 7}\r\n0\r\n\r\n'

    @pytest.mark.parametrize("method", ["GET", "POST"])
    @pytest.mark.parametrize("whole", [WHOLE, CHUNKED.removesuffix(b"0\r\n\r\n")])
    def test_never_takes_a_part_for_the_whole(
        self, serve: Serve, connect: Connect, method: str, whole: bytes
    ) -> None:
        """An answer cut at any byte is an error; for a write, one that says that it may have happened."""
        expected = TransportError if method == "GET" else WriteUnconfirmedError
        server = serve(*(_until(whole, at) for at in range(len(whole))))
        session = connect(server, retry=Retry(total=0))
        for _ in range(len(whole)):
            with pytest.raises(TransportError) as caught:
                session.send(Request(method, "tasks/"))
            assert expected is type(caught.value)

    def test_shows_what_had_come(self, serve: Serve, connect: Connect) -> None:
        """The error has status, content type and the first characters."""
        session = connect(serve(_until(self.WHOLE, len(self.WHOLE) - 2)), retry=Retry(total=0))
        with pytest.raises(
            TransportError, match=r'broke off after 201 \(application/json: \{"id": 7, "name": "한글\)'
        ):
            session.send(GET)

    def test_shows_what_had_come_compressed(self, serve: Serve, connect: Connect) -> None:
        """A compressed answer that was cut is an error like any other."""
        whole = reply(raw=gzip.compress(bytes(range(256))), headers=[("Content-Encoding", "gzip")])
        session = connect(serve(_until(whole, len(whole) - 40)), retry=Retry(total=0))
        with pytest.raises(TransportError, match="GET /tasks/: the answer broke off after 200"):
            session.send(GET)

    def test_shows_what_had_come_in_chunks(self, serve: Serve, connect: Connect) -> None:
        """A chunked answer that was cut shows its beginning too."""
        whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1, 2\r\n9\r\n, 3, 4"
        session = connect(serve(_until(whole, len(whole))), retry=Retry(total=0))
        with pytest.raises(TransportError, match=r"broke off after 200 \(no content type"):
            session.send(GET)

    def test_stalls_for_a_limited_time(self, serve: Serve, connect: Connect) -> None:
        """An answer that stops half-way is given up after the read limit."""
        server = serve()
        server.script = [server.stall(self.WHOLE[:-3])]
        session = connect(server, timeout={"read": 0.4}, retry=Retry(total=0))
        with pytest.raises(TransportError, match=r"not whole within 0\.4 s after 201"):
            session.send(GET)


def _until(answer: bytes, at: int) -> Step:
    def step(connection: socket.socket, _: Received) -> None:
        connection.sendall(answer[:at])
        connection.shutdown(socket.SHUT_RDWR)

    return step


class TestSurroundings:
    def test_asks_the_proxy_of_the_environment(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A proxy named by the environment is used for every call."""
        proxy = serve()
        monkeypatch.setenv("http_proxy", proxy.origin)
        session = connect("http://api.invalid")
        session.send(GET)
        with session.download("http://files.invalid/a.png"):
            pass

        assert ["GET http://api.invalid/tasks/", "GET http://files.invalid/a.png"] == proxy.lines

    def test_asks_the_proxy_that_was_given(self, serve: Serve, connect: Connect) -> None:
        """A proxy given by argument is used."""
        proxy = serve()
        connect("http://api.invalid", proxies={"http": proxy.origin}).send(GET)

        assert ["GET http://api.invalid/tasks/"] == proxy.lines

    def test_tells_a_proxy_that_is_not_there(self, connect: Connect) -> None:
        """A proxy that cannot be reached is named as the reason, and a write was surely not sent."""
        session = connect("http://api.invalid", proxies={"http": "http://127.0.0.1:9"}, retry=Retry(total=0))
        with pytest.raises(
            TransportError, match=r"the proxy http://127\.0\.0\.1:9 could not be used: connection refused"
        ) as caught:
            session.send(Request("POST", "tasks/", json={}))

        assert TransportError is type(caught.value)

    def test_refuses_a_proxy_that_is_no_address(self, connect: Connect) -> None:
        """A proxy address without a host is an error, at once."""
        with pytest.raises(ConfigError, match=r"^proxies\['http'\] is no address of a proxy"):
            connect("http://api.invalid", proxies={"http": "http:///"})

    def test_never_reads_netrc(self, scripted: Scripted, tmp_path: Path) -> None:
        """Passwords in `~/.netrc` are left alone."""
        (tmp_path / ".netrc").write_text("default login someone password s3cret\n")
        server, session = scripted()
        session.send(GET)

        assert "authorization" not in server.received[0].headers

    def test_finds_no_connection_in_time(self, connect: Connect) -> None:
        """A host that does not answer at all is given up after the limit for connecting."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            clients = [_knock(full) for _ in range(3)]
            session = connect(f"http://127.0.0.1:{full.getsockname()[1]}", timeout={"connect": 0.05})
            with pytest.raises(TransportError, match=r"no connection within 0\.05 s \(4 attempts\)"):
                session.send(Request("POST", "tasks/", json={}))
            for client in clients:
                client.close()


def _knock(listener: socket.socket) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(listener.getsockname())
    return client


class TestHandshake:
    @pytest.mark.parametrize(
        ("step", "reason"),
        [
            (
                reply(400, raw=b""),
                r"the server does not speak TLS here \(is it http://.*\?\)\. Nothing was written$",
            ),
            (cut(b"x", at=1), r"TLS could not be agreed on \(4 attempts\)\. Nothing was written$"),
            (
                reset,
                r"no connection to 127\.0\.0\.1:\d+: connection reset by peer \(4 attempts\)\. Nothing was written$",
            ),
        ],
    )
    def test_knows_that_nothing_was_sent(
        self, serve: Serve, connect: Connect, step: Step, reason: str
    ) -> None:
        """A write whose connection could not be secured was surely not acted on."""
        session = connect(serve(step).origin.replace("http:", "https:"))
        with pytest.raises(TransportError, match=reason) as caught:
            session.send(Request("POST", "tasks/", json={}))

        assert TransportError is type(caught.value)

    def test_does_not_wait_for_ever(self, serve: Serve, connect: Connect) -> None:
        """A handshake that stalls is given up after the limit for connecting."""
        server = serve()
        server.script = [server.stall()]
        session = connect(
            server.origin.replace("http:", "https:"), timeout={"connect": 0.05}, retry=Retry(total=0)
        )
        with pytest.raises(TransportError, match=r"no connection within 0\.05 s") as caught:
            session.send(Request("POST", "tasks/", json={}))

        assert TransportError is type(caught.value)


class TestTls:
    def test_refuses_a_certificate_that_nobody_vouches_for(self, secure: Secure, connect: Connect) -> None:
        """An unknown certificate is refused at once, saying which setting matters; nothing is sent."""
        server, _ = secure
        session = connect(server)
        with (
            session.trace() as calls,
            pytest.raises(TransportError, match=r"certificate was not accepted: .*verify=…"),
        ):
            session.send(Request("POST", "tasks/", json={}))

        assert (1, []) == (len(calls), server.received)

    def test_accepts_the_certificate_it_was_given(self, secure: Secure, connect: Connect) -> None:
        """A certificate given by path is trusted."""
        server, certificate = secure

        assert {"id": 7} == connect(server, verify=certificate).send(GET).data

    def test_reads_the_bundle_of_the_environment(
        self, secure: Secure, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The bundle that the environment names is used for files too."""
        server, certificate = secure
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
        with connect("https://api.invalid").download(f"{server.origin}/a.json") as download:
            content = b"".join(download.chunks())

        assert b'{"id": 7}' == content

    def test_never_falls_back_to_plain_text(self, secure: Secure, connect: Connect) -> None:
        """A link from https to http on the same host is refused."""
        server, certificate = secure
        session = connect(server, verify=certificate)
        with pytest.raises(OriginError):
            session.send(Request("GET", server.origin.replace("https:", "http:") + "/tasks/"))

        assert [] == server.received
