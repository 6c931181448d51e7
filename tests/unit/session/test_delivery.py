"""Repeats, redirects and errors, against a server that misbehaves at byte level."""

from __future__ import annotations

import logging
import socket
import threading
import time

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import attrs
import pytest

from synapse.dialects.wire import Request
from synapse.errors import (
    ClientError,
    ConfigError,
    MappingError,
    NotFoundError,
    OriginError,
    QueryError,
    RateLimitError,
    ServerError,
    SynapseError,
    TransportError,
    WriteUnconfirmedError,
)
from synapse.session import Retry, Session
from tests.servers import Server, Step, cut, reply, reset
from tests.unit.session.conftest import TOKEN

Scripted = Callable[..., tuple[Server, Session]]

GET = Request("GET", "tasks/")
POST = Request("POST", "tasks/", json={"project": 1})
PATCH = Request("PATCH", "tasks/7/", json={"meta": {}})
PUT = Request("PUT", "chunked_upload/1/", json={})
DELETE = Request("DELETE", "tasks/7/")
WHOLE = reply(data={"id": 7})


def closed_port() -> str:
    """Return an address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


class TestRequests:
    def test_joins_path_and_parameters_to_the_prefix(
        self, serve: Callable[..., Server], connect: Callable[..., Session]
    ) -> None:
        """A relative path goes below the host's own path, with commas left readable."""
        server = serve()
        connect(f"{server.origin}/api/").send(Request("GET", "/tasks/", (("fields", "id,data"),)))

        assert ["GET /api/tasks/?fields=id,data"] == server.lines

    def test_adds_parameters_to_a_link_that_has_some(self, scripted: Scripted) -> None:
        """Parameters follow those that a link already carries."""
        server, session = scripted()
        session.send(Request("GET", f"{server.origin}/tasks/?page=2", (("page_size", "5"),)))

        assert ["GET /tasks/?page=2&page_size=5"] == server.lines

    def test_sends_the_tokens_as_the_wire_names_them(self, scripted: Scripted) -> None:
        """Access token, tenant and agent token travel in their own headers."""
        server, session = scripted(tenant="acme", agent_token="f" * 40)
        session.send(GET)
        headers = server.received[0].headers

        assert f"Token {TOKEN}" == headers["synapse-access-token"]
        assert "Token acme" == headers["synapse-tenant"]
        assert f"Token {'f' * 40}" == headers["synapse-agent"]

    def test_sends_json_with_its_length(self, scripted: Scripted) -> None:
        """A JSON body travels whole, in ASCII, with type and length."""
        server, session = scripted()
        session.send(Request("POST", "tasks/", json={"name": "한"}))
        request = server.received[0]

        assert b'{"name":"\\ud55c"}' == request.body
        assert "application/json" == request.headers["content-type"]

    def test_sends_a_write_without_a_body_as_json_of_no_length(self, scripted: Scripted) -> None:
        """A POST without a body still says JSON, and length 0."""
        server, session = scripted()
        session.send(Request("POST", "jobs/1/stop/"))
        headers = server.received[0].headers

        assert ("application/json", "0") == (headers["content-type"], headers["content-length"])

    def test_sends_no_content_type_with_a_get(self, scripted: Scripted) -> None:
        """Only requests that may have a body name a content type."""
        server, session = scripted()
        session.send(Request("GET", "tasks/", headers=(("X-Trace", "1"),)))

        assert "content-type" not in server.received[0].headers
        assert "1" == server.received[0].headers["x-trace"]

    @pytest.mark.parametrize("value", [{1, 2}, float("nan"), object()])
    def test_refuses_what_json_cannot_say(self, scripted: Scripted, value: object) -> None:
        """A value that is not JSON is refused before anything is sent."""
        server, session = scripted()
        with pytest.raises(MappingError, match="POST /tasks/: the value to send is not JSON"):
            session.send(Request("POST", "tasks/", json={"meta": value}))

        assert [] == server.received

    @pytest.mark.parametrize("path", ["tasks/../users/", "../users/", "tasks/..", "tasks/./7/"])
    def test_refuses_a_path_that_walks(self, scripted: Scripted, path: str) -> None:
        """A key such as `..` cannot lead to another resource."""
        server, session = scripted()
        with pytest.raises(QueryError, match=r"may not contain"):
            session.send(Request("GET", path))

        assert [] == server.received

    def test_quotes_what_may_not_stand_in_a_request_line(self, scripted: Scripted) -> None:
        """Line breaks and non-ASCII characters in a path are quoted, never sent raw."""
        server, session = scripted()
        session.send(Request("GET", "tasks/a b\r\nX: 1/한/"))

        assert ["GET /tasks/a%20b%0D%0AX:%201/%ED%95%9C/"] == server.lines

    def test_refuses_a_header_that_breaks_the_line(self, scripted: Scripted) -> None:
        """A header value with a line break is an error, and nothing is sent."""
        server, session = scripted()
        with pytest.raises(TransportError, match="could not be built"):
            session.send(Request("GET", "tasks/", headers=(("X", "a\r\nB: c"),)))

        assert [] == server.received


class TestReplies:
    def test_returns_parsed_json(self, scripted: Scripted) -> None:
        """The reply holds status, data and headers, whose names ignore case."""
        _, session = scripted(reply(201, {"name": "한"}, headers=[("X-Thing", "1")]))
        answer = session.send(POST)

        assert (201, {"name": "한"}, "1") == (answer.status, answer.data, answer.headers["x-thing"])

    @pytest.mark.parametrize(
        "answer", [reply(204, raw=b"", headers=[("Content-Length", "")]), reply(raw=b" \n")]
    )
    def test_returns_none_for_an_empty_body(self, scripted: Scripted, answer: bytes) -> None:
        """An empty body is `None`."""
        _, session = scripted(answer)

        assert session.send(DELETE).data is None

    def test_decompresses(self, scripted: Scripted) -> None:
        """A gzip body is decompressed."""
        import gzip

        _, session = scripted(reply(raw=gzip.compress(b'{"id": 7}'), headers=[("Content-Encoding", "gzip")]))

        assert {"id": 7} == session.send(GET).data

    def test_reports_a_page_in_place_of_json(self, scripted: Scripted) -> None:
        """HTML with status 200 is an error with status, content type and the first characters."""
        page = b"<html><title>Login</title>" + b"x" * 500
        _, session = scripted(reply(raw=page, headers=[("Content-Type", "text/html")]))
        with pytest.raises(TransportError) as caught:
            session.send(GET)

        assert f"GET /tasks/: 200 with a body that is not JSON (text/html: {page[:200].decode()})" == str(
            caught.value
        )
        assert 200 == caught.value.status_code

    def test_reports_json_nested_too_deeply(self, scripted: Scripted) -> None:
        """JSON deeper than Python recurses is an error, not a crash."""
        _, session = scripted(reply(raw=b"[" * 200_000))
        with pytest.raises(TransportError, match="not JSON"):
            session.send(GET)

    @pytest.mark.parametrize("status", [300, 304])
    def test_reports_a_status_that_answers_nothing(self, scripted: Scripted, status: int) -> None:
        """A status that is neither success, redirect nor refusal is an error."""
        _, session = scripted(reply(status, raw=b""))
        with pytest.raises(TransportError, match=f"{status}, which answers nothing"):
            session.send(GET)

    def test_reports_an_answer_that_is_not_http(self, scripted: Scripted) -> None:
        """A server that speaks something else is an error."""
        _, session = scripted(b"SSH-2.0-OpenSSH\r\n\r\n", retry=Retry(total=0))
        with pytest.raises(TransportError, match="GET /tasks/: the answer does not keep to HTTP"):
            session.send(GET)

    def test_reports_a_body_that_cannot_be_decompressed(self, scripted: Scripted) -> None:
        """A body that is not what its encoding says is an error."""
        _, session = scripted(
            reply(headers=[("Content-Encoding", "gzip")], raw=b"plain"), retry=Retry(total=0)
        )
        with pytest.raises(TransportError, match="could not be decompressed after 200"):
            session.send(GET)

    def test_refuses_an_answer_without_end(self, scripted: Scripted) -> None:
        """An answer beyond the largest size is given up, not kept in memory."""
        _, session = scripted(reply(raw=b"1" * 5000), max_answer=1000)
        with pytest.raises(TransportError, match="larger than"):
            session.send(GET)

    def test_raises_the_typed_error_of_a_refusal(self, scripted: Scripted) -> None:
        """A refusal raises its class, in the backend's own words."""
        _, session = scripted(reply(404, {"detail": "찾을 수 없습니다."}, headers=[("X-Request-Id", "r-1")]))
        with pytest.raises(NotFoundError) as caught:
            session.send(Request("GET", "tasks/7/"))

        assert "GET /tasks/7/: 404 찾을 수 없습니다." == str(caught.value)
        assert "r-1" == caught.value.request_id

    def test_keeps_the_refusal_whose_words_broke_off(self, scripted: Scripted) -> None:
        """A refusal is a refusal even if its body was cut."""
        _, session = scripted(cut(reply(400, {"name": ["too long"]}), at=5))
        with pytest.raises(ClientError, match="POST /tasks/: 400"):
            session.send(POST)


def passing(status: int) -> bytes:
    return reply(status, {"detail": "later"}, headers=[("Retry-After", "0")])


class TestRepeats:
    @pytest.mark.parametrize("request_", [GET, PUT, DELETE])
    @pytest.mark.parametrize(
        "trouble", [reset, cut(WHOLE, at=3), passing(429), passing(502), passing(503), passing(504)]
    )
    def test_repeats_what_may_be_done_twice(
        self, scripted: Scripted, request_: Request, trouble: Step
    ) -> None:
        """GET, PUT and DELETE survive a broken connection, a cut answer and a passing refusal."""
        server, session = scripted(trouble, trouble, WHOLE)

        assert {"id": 7} == session.send(request_).data
        assert 3 == len(server.received)

    def test_repeats_after_a_timeout(
        self, serve: Callable[..., Server], connect: Callable[..., Session]
    ) -> None:
        """A GET whose answer does not come in time is sent again."""
        server = serve()
        server.script = [server.stall(), WHOLE]
        session = connect(server, timeout={"read": 0.1})

        assert {"id": 7} == session.send(GET).data

    @pytest.mark.parametrize("request_", [POST, PATCH])
    @pytest.mark.parametrize("status", [429, 503])
    def test_repeats_a_write_that_was_not_acted_on(
        self, scripted: Scripted, request_: Request, status: int
    ) -> None:
        """A write is sent again where the backend said that it has not acted."""
        server, session = scripted(passing(status), WHOLE)

        assert {"id": 7} == session.send(request_).data
        assert [request_.method] * 2 == [received.method for received in server.received]

    @pytest.mark.parametrize("request_", [POST, PATCH])
    @pytest.mark.parametrize(
        "trouble",
        [
            reset,
            cut(WHOLE, at=3),
            cut(WHOLE, at=len(WHOLE) - 20),
            passing(502),
            passing(504),
            reply(raw=b"<html>", headers=[("Content-Type", "text/html")]),
        ],
    )
    def test_never_repeats_a_write_of_unknown_outcome(
        self, scripted: Scripted, request_: Request, trouble: Step
    ) -> None:
        """A write that was sent and not answered is raised, not repeated."""
        server, session = scripted(trouble, WHOLE)
        with pytest.raises(WriteUnconfirmedError, match="may or may not have happened, and was not repeated"):
            session.send(request_)

        assert 1 == len(server.received)

    def test_never_repeats_a_write_that_timed_out(
        self, serve: Callable[..., Server], connect: Callable[..., Session]
    ) -> None:
        """A write without an answer in time has an unknown outcome; the request's own limit counts."""
        server = serve()
        server.script = [server.stall(), WHOLE]
        with pytest.raises(WriteUnconfirmedError, match=r"POST /tasks/: nothing came within 0\.1 s"):
            connect(server).send(Request("POST", "tasks/", json={}, read_timeout=0.1))

        assert 1 == len(server.received)

    @pytest.mark.parametrize(
        "step", [reset, cut(WHOLE, at=20), reply(502), reply(504)], ids=["reset", "cut", "502", "504"]
    )
    def test_leaves_it_to_the_caller_to_repeat_what_goes_once(self, scripted: Scripted, step: Step) -> None:
        """What may have been acted upon is not repeated, though its method would allow it."""
        server, session = scripted(step, WHOLE)
        with pytest.raises((TransportError, ServerError)) as caught:
            session.send(attrs.evolve(PUT, once=True))

        assert (1, False) == (len(server.received), isinstance(caught.value, WriteUnconfirmedError))

    def test_repeats_what_goes_once_and_was_refused(self, scripted: Scripted) -> None:
        """A backend that was busy, and says so, has not acted."""
        server, session = scripted(passing(503), WHOLE)
        session.send(attrs.evolve(PUT, once=True))

        assert 2 == len(server.received)

    def test_repeats_a_write_that_could_not_be_sent(self, connect: Callable[..., Session]) -> None:
        """A write that found no connection was surely not acted on: it is repeated, and the error says so."""
        session = connect(closed_port())
        with session.trace() as calls, pytest.raises(TransportError) as caught:
            session.send(POST)

        assert TransportError is type(caught.value)
        assert (
            f"POST /tasks/: no connection to {session.host.removeprefix('http://')}: connection refused (4 attempts). "
            "Nothing was written"
        ) == str(caught.value)
        assert [None] * 4 == [call.status for call in calls]

    def test_gives_up_after_the_attempts_it_was_given(self, scripted: Scripted) -> None:
        """The error of the last attempt is raised when all are used."""
        server, session = scripted(passing(502), retry=Retry(total=2, backoff=0))
        with pytest.raises(ServerError, match="502 later"):
            session.send(GET)

        assert 3 == len(server.received)

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500])
    def test_does_not_repeat_a_final_refusal(self, scripted: Scripted, status: int) -> None:
        """A refusal that will not pass is raised at once."""
        server, session = scripted(reply(status, {"detail": "no"}))
        with pytest.raises(ClientError):
            session.send(GET)

        assert 1 == len(server.received)

    def test_takes_a_404_after_an_unanswered_delete_as_done(self, scripted: Scripted) -> None:
        """A DELETE whose first answer was lost is done when the object is gone."""
        _, session = scripted(reset, reply(404, {"detail": "gone"}))
        answer = session.send(DELETE)

        assert (204, None) == (answer.status, answer.data)

    def test_reports_a_404_after_a_refused_delete(self, scripted: Scripted) -> None:
        """A DELETE that the backend refused to act on did not remove the object."""
        _, session = scripted(passing(503), reply(404, {"detail": "gone"}))
        with pytest.raises(NotFoundError):
            session.send(DELETE)

    def test_waits_as_long_as_the_backend_asks(
        self, scripted: Scripted, caplog: pytest.LogCaptureFixture
    ) -> None:
        """`Retry-After` as a date is waited for, and said."""
        later = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
        _, session = scripted(reply(503, {}, headers=[("Retry-After", later)]), WHOLE)
        with caplog.at_level(logging.INFO, logger="synapse"):
            session.send(GET)

        assert ["GET /tasks/: 503: waiting"] == [
            record.getMessage().rpartition(" waiting")[0] + " waiting" for record in caplog.records
        ]

    def test_tells_how_long_the_backend_asked_for(self, scripted: Scripted) -> None:
        """A rate limit that outlasts the repeats carries what was asked for."""
        limit = reply(429, {"detail": "slow down"}, headers=[("Retry-After", "90")])
        _, session = scripted(limit, retry=Retry(total=0))
        with pytest.raises(RateLimitError) as caught:
            session.send(GET)

        assert 90 == caught.value.retry_after

    def test_stops_waiting_when_the_session_is_closed(self, scripted: Scripted) -> None:
        """Closing the session ends a wait between attempts."""
        limit = reply(503, {}, headers=[("Retry-After", "30")])
        server, session = scripted(limit)
        errors: list[BaseException] = []

        def send() -> None:
            try:
                session.send(GET)
            except SynapseError as error:
                errors.append(error)

        thread = threading.Thread(target=send)
        thread.start()
        while not server.received:
            time.sleep(0.01)
        session.close()
        thread.join(10)

        assert [ConfigError] == [type(error) for error in errors]


class TestRedirects:
    def test_follows_a_get_on_its_own_origin(self, scripted: Scripted) -> None:
        """A redirect of a GET to the same origin is followed with the token."""
        server, session = scripted(reply(302, {}, headers=[("Location", "/tasks/?page=2#top")]), WHOLE)
        session.send(GET)

        assert ["GET /tasks/", "GET /tasks/?page=2"] == server.lines
        assert f"Token {TOKEN}" == server.received[1].headers["synapse-access-token"]

    def test_reads_a_location_in_utf8(self, scripted: Scripted) -> None:
        """A redirect whose address is not ASCII leads where the backend meant."""
        server, session = scripted(reply(307, {}, headers=[("Location", "/한/")]), WHOLE)
        session.send(GET)

        assert "GET /%ED%95%9C/" == server.lines[1]

    def test_gives_up_on_a_circle(self, scripted: Scripted) -> None:
        """Redirects that lead in a circle end in an error."""
        server, session = scripted(reply(302, {}, headers=[("Location", "/tasks/")]))
        with pytest.raises(TransportError, match="redirected more than 5 times"):
            session.send(GET)

        assert 6 == len(server.received)

    def test_refuses_another_origin(self, serve: Callable[..., Server], scripted: Scripted) -> None:
        """A redirect elsewhere is refused, naming both origins, and nothing is sent there."""
        other = serve()
        server, session = scripted(reply(302, {}, headers=[("Location", f"{other.origin}/tasks/")]))
        with pytest.raises(OriginError) as caught:
            session.send(GET)

        assert server.origin in str(caught.value)
        assert other.origin in str(caught.value)
        assert [] == other.received

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_refuses_to_redirect_a_write(self, scripted: Scripted, status: int) -> None:
        """A redirected write is neither repeated elsewhere nor turned into a GET."""
        server, session = scripted(reply(status, {}, headers=[("Location", "/other/")]))
        with pytest.raises(TransportError, match="a write does not follow"):
            session.send(POST)

        assert ["POST /tasks/"] == server.lines

    def test_refuses_a_link_to_another_origin(self, serve: Callable[..., Server], scripted: Scripted) -> None:
        """An absolute link elsewhere is refused before anything is sent."""
        other = serve()
        _, session = scripted()
        with pytest.raises(OriginError):
            session.send(Request("GET", f"{other.origin}/tasks/?page=2"))

        assert [] == other.received

    def test_keeps_no_cookies(self, scripted: Scripted) -> None:
        """A cookie that the backend sets is not sent back."""
        server, session = scripted(reply(data={}, headers=[("Set-Cookie", "sessionid=1; Path=/")]))
        session.send(GET)
        session.send(GET)

        assert "cookie" not in server.received[1].headers


class TestSecrets:
    def test_hides_the_token_that_a_backend_repeats(self, scripted: Scripted) -> None:
        """A refusal that quotes the token is raised without it."""
        _, session = scripted(reply(401, {"detail": f"token {TOKEN} is unknown"}))
        with pytest.raises(ClientError) as caught:
            session.send(GET)

        assert TOKEN not in str(caught.value)
        assert {"detail": "token *** is unknown"} == caught.value.response

    def test_hides_an_agent_token_in_the_path(self, connect: Callable[..., Session]) -> None:
        """The token in an agent's address shows in no message, cause or trace."""
        import traceback

        secret = "a1" * 20
        session = connect(closed_port(), retry=Retry(total=0))
        with session.trace() as calls, pytest.raises(TransportError) as caught:
            session.send(Request("POST", f"agents/{secret}/connect/"))
        shown = "".join(traceback.format_exception(caught.value)) + str(calls) + repr(calls)

        assert secret not in shown.replace("session.send(Request", "")
        assert "/agents/***/connect/" in shown

    def test_logs_one_masked_line_a_call(self, scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
        """The debug log names every call, without secrets."""
        _, session = scripted()
        with caplog.at_level(logging.DEBUG, logger="synapse"):
            session.send(Request("GET", "files/", (("signature", "s3cret"),)))

        (record,) = [record for record in caplog.records if record.name == "synapse"]
        assert record.getMessage().startswith("GET /files/?signature=*** 200 ")
