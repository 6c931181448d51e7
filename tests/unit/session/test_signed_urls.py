"""Bodies that go to a storage: without our headers, wherever it sends them, and without a trace of the signature."""

from __future__ import annotations

import logging

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest

from synapse.errors import TransferError, TransportError
from synapse.session import Session
from tests.servers import Server, reply, reset
from tests.unit.session.conftest import TOKEN

QUERY = "X-Amz-Signature=f00dfeed&hdnts=c0ffee~acl&partNumber=1"
Scripted = Callable[..., tuple[Server, Session]]
Serve = Callable[..., Server]


class Text:
    """A few bytes to send."""

    def __init__(self, content: bytes = b"content", content_type: str = "") -> None:
        self.content, self.content_type, self.length = content, content_type, len(content)

    def open(self) -> BytesIO:
        """Return a reader."""
        return BytesIO(self.content)


def put(session: Session, origin: str, *, body: Text | None = None) -> Any:
    """Put a body to a signed address."""
    return session.put(f"{origin}/bucket/a%20b.jpg?{QUERY}", body or Text(), read_timeout=2)


def moved(to: str, *, status: int = 307) -> bytes:
    """Answer with a redirect."""
    return reply(status, headers=[("Location", to)])


class TestHeaders:
    def test_none_of_ours_is_sent(self, scripted: Scripted) -> None:
        """A storage gets the length, the content type and the name of the software, and no token."""
        server, session = scripted(reply(), tenant="acme", agent_token="a" * 40)

        assert 200 == put(session, server.origin, body=Text(content_type="image/jpeg")).status

        headers = server.received[0].headers
        assert {"host", "user-agent", "accept", "accept-encoding", "content-length", "content-type"} == set(
            headers
        )
        assert ("7", "image/jpeg") == (headers["content-length"], headers["content-type"])

    def test_no_content_type_where_none_was_asked_with(self, scripted: Scripted) -> None:
        """A part has no content type, which the signature would not fit."""
        server, session = scripted(reply())

        put(session, server.origin)

        assert "content-type" not in server.received[0].headers

    def test_address_travels_as_it_was_signed(self, scripted: Scripted) -> None:
        """Neither path nor query are spelled anew."""
        server, session = scripted(reply())

        put(session, server.origin)

        assert [f"PUT /bucket/a%20b.jpg?{QUERY}"] == server.lines


class TestRedirects:
    @pytest.mark.parametrize("status", [307, 308])
    def test_are_followed_with_the_whole_body(self, scripted: Scripted, serve: Serve, status: int) -> None:
        """A storage may send the request to another one, which gets the body and none of our headers."""
        other = serve(reply())
        server, session = scripted(moved(f"{other.origin}/there?sig=1", status=status))

        assert 200 == put(session, server.origin).status

        assert [("PUT /there?sig=1", b"content")] == [(other.lines[0], other.received[0].body)]
        assert TOKEN not in str(server.received + other.received)
        assert not [name for name in other.received[0].headers if "synapse" in name or "auth" in name]

    @pytest.mark.parametrize("location", ["ftp://elsewhere/", "http://[", ""])
    def test_to_anything_but_the_web_are_an_answer(self, scripted: Scripted, location: str) -> None:
        """What cannot be followed is left to the caller."""
        server, session = scripted(moved(location))

        assert (307, 1) == (put(session, server.origin).status, len(server.received))

    def test_that_change_the_method_are_an_answer(self, scripted: Scripted) -> None:
        """A page to log in at is no storage."""
        server, session = scripted(moved("/login", status=302))

        assert (302, 1) == (put(session, server.origin).status, len(server.received))

    def test_end(self, scripted: Scripted) -> None:
        """A storage that sends in circles is left after three steps."""
        server, session = scripted(moved("/again"))

        assert (307, 4) == (put(session, server.origin).status, len(server.received))

    def test_never_give_up_tls(self, secure: tuple[Server, str], serve: Serve, connect: Any) -> None:
        """What was to be encrypted does not travel in the open."""
        server, certificate = secure
        other = serve(reply())
        server.script[:] = [moved(f"{other.origin}/open")]
        session = connect(server, verify=certificate)

        assert (307, []) == (put(session, server.origin).status, other.lines)


class TestSecrets:
    def test_signature_is_shown_nowhere(self, scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
        """Traces, logs (that of urllib3 as well) and errors name the place without the query."""
        caplog.set_level(logging.DEBUG)
        server, session = scripted(moved(f"/there?{QUERY}"), reply(403, {}), reset)

        with session.trace() as calls:
            put(session, server.origin)
            with pytest.raises(TransportError) as caught:
                put(session, server.origin)

        shown = (
            f"{calls} {calls[0]!r} {caplog.text} {caught.value} {caught.value.url} {caught.value.__cause__!r}"
        )
        assert 3 == len(calls)
        assert "/bucket/a%20b.jpg" in shown
        assert not [secret for secret in ("f00dfeed", "c0ffee", TOKEN) if secret in shown]


def test_no_answer_is_a_transport_error(scripted: Scripted) -> None:
    """One attempt is made, and the error names the place."""
    server, session = scripted(reset)

    with pytest.raises(
        TransportError, match=r"PUT http://127.0.0.1:\d+/bucket/a%20b.jpg: the connection was lost"
    ):
        put(session, server.origin)

    assert 1 == len(server.received)


def test_refusal_is_an_answer(scripted: Scripted) -> None:
    """What a storage says is left to the caller."""
    server, session = scripted(reply(503, raw=b"<Error/>"))

    answer = put(session, server.origin)

    assert (503, b"<Error/>") == (answer.status, answer.content)


def test_only_the_web_is_written_to(scripted: Scripted) -> None:
    """An address of another kind is refused before anything is opened."""
    _, session = scripted()

    with pytest.raises(TransferError):
        session.put("file:///etc/passwd", Text(), read_timeout=1)
