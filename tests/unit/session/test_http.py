"""`Session(http=…)`: what holds, what is refused when it is made, and what is the user's."""

from __future__ import annotations

import io
import logging
import pickle
import socket
import time

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from urllib3 import Retry as Repeats

from synapse import ConfigError, NotFoundError, OriginError, Session, TransportError
from synapse.dialects import Request
from synapse.session import Retry
from tests.servers import Received, Server, reply, reset

TOKEN = "syn_0123456789abcdef"
GET = Request("GET", "tasks/")
POST = Request("POST", "tasks/", json={"a": 1})

Serve = Callable[..., Server]
Connect = Callable[..., Session]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that follow a script."""
    with ExitStack() as stack:
        yield lambda *script: stack.enter_context(Server(*script))


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open sessions that send by one of the user's."""
    with ExitStack() as stack:

        def make(host: str, http: requests.Session | None = None, **options: Any) -> Session:
            usual: dict[str, Any] = {"api_token": TOKEN, "retry": Retry(total=0), "timeout": {"read": 2}}
            made = Session(host, http=http or requests.Session(), **(usual | options))
            stack.callback(made.close)
            return made

        yield make


class Nothing:
    """A body of a few bytes."""

    content_type, length = "image/png", 3

    def open(self) -> Any:
        """Begin at its start."""
        return io.BytesIO(b"abc")


def trickle(connection: socket.socket, _: Received) -> None:
    """Answer with a head in pieces, of which each comes in time."""
    for piece in (b"HTTP/1.1 200 OK\r\n", b"A: b\r\n", b"Content-Length: 2\r\n", b"\r\n{}"):
        time.sleep(0.12)
        connection.sendall(piece)


def silent(connection: socket.socket, _: Received) -> None:
    """Begin a stream, and say no more for a while."""
    connection.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 99\r\n\r\none\n"
    )
    time.sleep(0.5)


class TestHolds:
    def test_token_stays_at_its_origin(self, serve: Serve, connect: Connect) -> None:
        """Files and signed addresses of another host hear nothing of it, nor of the auth and headers of theirs."""
        foreign, home = serve(reply(raw=b"content")), serve(reply(data={}))
        http = requests.Session()
        http.auth, http.headers["X-Sign-On"] = ("me", "password"), "s3cret"
        session = connect(home.origin, http)
        session.send(GET)
        with session.download(f"{foreign.origin}/a.png") as file:
            assert b"content" == b"".join(file.chunks())
        session.put(f"{foreign.origin}/a.png?sig=1", Nothing(), read_timeout=2)

        names = {"synapse-access-token", "authorization", "x-sign-on"}
        assert names <= set(home.received[0].headers)
        assert [set(), set()] == [names & set(each.headers) for each in foreign.received]

    @pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
    def test_redirects_lead_nowhere_else(self, serve: Serve, connect: Connect, request_: Request) -> None:
        """They are refused, and requests does not wait for their bodies to find out where they lead."""
        foreign = serve(reply(data={}))
        home = serve(reply(302, raw=b"", headers=[("Location", foreign.origin), ("Content-Length", "100")]))
        with pytest.raises(OriginError):
            connect(home.origin, timeout={"read": 0.2}).send(request_)

        assert [] == foreign.received

    def test_answers_are_bounded(self, serve: Serve, connect: Connect) -> None:
        """`max_answer` counts for what comes through it as well."""
        home = serve(reply(raw=b'"' + b"x" * 10_000 + b'"'))
        with pytest.raises(TransportError, match="larger than 1,000 bytes"):
            connect(home.origin, max_answer=1_000).send(GET)

    @pytest.mark.parametrize(("request_", "times"), [(GET, 3), (POST, 1)], ids=["GET", "POST"])
    def test_retries_are_ours_only(
        self, serve: Serve, connect: Connect, request_: Request, times: int
    ) -> None:
        """A read is repeated as `retry` says, a write that may have happened is not."""
        home = serve(reset)
        with pytest.raises(TransportError):
            connect(home.origin, retry=Retry(total=2, backoff=0.001)).send(request_)

        assert times == len(home.received)

    def test_several_threads_share_it(self, serve: Serve, connect: Connect) -> None:
        """Each gets its own answer."""
        home = serve(lambda connection, received: connection.sendall(reply(data=received.target)))
        targets = [f"/tasks/{number}/" for number in range(40)]
        session = connect(home.origin, workers=8)
        found = session.map(lambda target: session.send(Request("GET", target[1:])).data, targets)

        assert targets == [each.result for each in found]

    def test_logs_are_masked(self, serve: Serve, connect: Connect, caplog: pytest.LogCaptureFixture) -> None:
        """Those of urllib3 too, where a signature would stand."""
        home = serve(reply(raw=b"content"))
        with caplog.at_level(logging.DEBUG):
            connect(home.origin).download(f"{home.origin}/a.png?sig=s3cretsignature").__enter__()

        assert "urllib3.connectionpool" in {record.name for record in caplog.records}
        assert "s3cretsignature" not in caplog.text

    def test_cookies_stay_theirs(self, serve: Serve, connect: Connect) -> None:
        """They are kept in its jar, and go to the hosts that they are for; without it, there are none."""
        home = serve(reply(data={}, headers=[("Set-Cookie", "one=1")]))
        http = requests.Session()
        session = connect(home.origin, http)
        session.send(GET)
        session.send(GET)
        plain = Session(home.origin, api_token=TOKEN)
        plain.send(GET)
        plain.close()

        assert {"one": "1"} == http.cookies.get_dict()
        assert [None, "one=1", None] == [each.headers.get("cookie") for each in home.received]


class TestRefused:
    @pytest.mark.parametrize(
        "repeats",
        [3, Repeats(1), Repeats(None), Repeats(None, connect=2, read=0, status=0, other=0)],
        ids=["3", "1", "endless", "connect"],
    )
    def test_an_adapter_that_repeats(self, connect: Connect, repeats: Any) -> None:
        """A write could be done twice."""
        http = requests.Session()
        http.mount("https://", requests.adapters.HTTPAdapter(max_retries=repeats))

        with pytest.raises(ConfigError, match=r"adapter for https:// .* repeats requests by itself"):
            connect("https://backend.test", http)

    @pytest.mark.parametrize("repeats", [2, "always"])
    def test_an_adapter_of_another_make(self, connect: Connect, repeats: Any) -> None:
        """It says in other terms that it repeats."""
        http = requests.Session()
        http.mount("https://", type("Own", (requests.adapters.BaseAdapter,), {"max_retries": repeats})())

        with pytest.raises(ConfigError, match="repeats requests by itself"):
            connect("https://backend.test", http)

    @pytest.mark.parametrize("repeats", [0, False, Repeats(0, connect=3), Repeats(False)])
    def test_no_adapter_that_does_not(self, connect: Connect, repeats: Any) -> None:
        """Without a total, nothing is repeated."""
        http = requests.Session()
        http.mount("https://", requests.adapters.HTTPAdapter(max_retries=repeats))

        assert "backend.test" in connect("https://backend.test", http).host

    def test_an_adapter_that_is_mounted_later(self, serve: Serve, connect: Connect) -> None:
        """Before anything is sent by it."""
        http, home = requests.Session(), serve(reset)
        session = connect(home.origin, http)
        http.mount("http://", requests.adapters.HTTPAdapter(max_retries=Repeats(3, allowed_methods=None)))

        with pytest.raises(ConfigError, match="repeats requests by itself"):
            session.send(POST)
        assert [] == home.received

    def test_auth_with_a_user_token(self, connect: Connect) -> None:
        """Both go in one header."""
        http = requests.Session()
        http.auth = ("me", "password")

        with pytest.raises(ConfigError, match="has an auth, and a user token goes in the same header"):
            connect("https://backend.test", http, api_token=None, user_token="u" * 20, tenant="acme")

    @pytest.mark.parametrize("name", ["verify", "cert", "proxies"])
    def test_settings_that_are_its_own(self, connect: Connect, name: str, tmp_path: Path) -> None:
        """Certificates and proxies are set at one place."""
        given = {"verify": False, "proxies": {"http": "http://proxy.test:3128"}}
        if name == "cert":
            pytest.importorskip("trustme").CA().issue_cert(
                "a.test"
            ).private_key_and_cert_chain_pem.write_to_path(tmp_path / "cert.pem")
            given["cert"] = str(tmp_path / "cert.pem")

        with pytest.raises(ConfigError, match=f"{name}=… with http=…: set them on the requests.Session"):
            connect("https://backend.test", **{name: given[name]})

    @pytest.mark.parametrize(
        "value", [object(), "session", requests.Session], ids=["object", "text", "class"]
    )
    def test_anything_else(self, connect: Connect, value: Any) -> None:
        """Such as a class in place of an object."""
        with pytest.raises(ConfigError, match=r"http takes a requests\.Session"):
            connect("https://backend.test", value)


class TestTheirs:
    def test_hooks_see_the_answer_and_the_token(self, serve: Serve, connect: Connect) -> None:
        """One that reads the answer does not take it away."""
        http, seen = requests.Session(), list[Any]()
        http.hooks["response"].append(
            lambda answer, **_: seen.append((answer.json(), answer.request.headers["Synapse-Access-Token"]))
        )
        data = connect(serve(reply(data={"id": 1})).origin, http).send(GET).data

        assert ({"id": 1}, [({"id": 1}, f"Token {TOKEN}")]) == (data, seen)

    def test_sign_on_is_used(self, serve: Serve, connect: Connect) -> None:
        """An auth, the headers and the adapters of the session."""
        sent: list[str] = []

        class Counting(requests.adapters.HTTPAdapter):
            def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
                sent.append(request.url)
                return super().send(request, *args, **kwargs)

        http, home = requests.Session(), serve(reply(data={}))
        http.auth = lambda request: request.headers.update({"X-Ticket": "kerberos"}) or request
        http.mount("http://", Counting())
        connect(home.origin, http).send(POST)

        assert ("kerberos", b'{"a":1}') == (home.received[0].headers["x-ticket"], home.received[0].body)
        assert [f"{home.origin}/tasks/"] == sent

    @pytest.mark.parametrize(
        ("request_", "body"),
        [(POST, b'{"a":1}'), (Request("POST", "data_files/", body=Nothing()), b"abc")],
        ids=["JSON", "file"],
    )
    def test_sign_on_may_ask_first(
        self, serve: Serve, connect: Connect, request_: Request, body: bytes
    ) -> None:
        """An auth that sends the request again once it is asked who it is sends the whole body again."""
        challenge = ("WWW-Authenticate", 'Digest realm="x", nonce="y", qop="auth"')
        http, home = requests.Session(), serve(reply(401, {}, headers=[challenge]), reply(201, {"id": 1}))
        http.auth = requests.auth.HTTPDigestAuth("me", "password")

        assert {"id": 1} == connect(home.origin, http).send(request_).data
        assert [body, body] == [each.body for each in home.received]

    @pytest.mark.parametrize("user", [False, True])
    def test_netrc_is_theirs_and_replaces_no_user_token(
        self, serve: Serve, connect: Connect, user: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A password for the host joins an api token, as their session would send it."""
        (tmp_path / "netrc").write_text("default login me password netrc-password\n")
        monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
        who = {"api_token": None, "user_token": "u" * 20, "tenant": "acme"} if user else {}
        home = serve(reply(data={}))
        connect(home.origin, **who).send(GET)

        expected = f"Token {'u' * 20}" if user else "Basic bWU6bmV0cmMtcGFzc3dvcmQ="
        assert expected == home.received[0].headers["authorization"]

    def test_bodies_of_files_are_streamed(self, serve: Serve, connect: Connect) -> None:
        """As without it."""
        home = serve(reply(201, data={"id": 1}))
        connect(home.origin).send(Request("POST", "data_files/", body=Nothing()))

        assert (b"abc", "3") == (home.received[0].body, home.received[0].headers["content-length"])

    def test_time_of_the_head_is_that_of_requests(self, serve: Serve, connect: Connect) -> None:
        """The limit is one of each read: a head that trickles may take longer, which is an error without it."""
        home = serve(trickle)
        plain = Session(home.origin, api_token=TOKEN, timeout={"read": 0.3}, retry=Retry(total=0))

        assert {} == connect(home.origin, timeout={"read": 0.3}).send(GET).data
        with pytest.raises(TransportError):
            plain.send(GET)
        plain.close()

    def test_streams_may_not_be_silent(
        self, serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The limit of their beginning stays the limit of each read."""
        monkeypatch.setattr("synapse.session.streams._HEAD", 0.2)
        home = serve(silent)
        with connect(home.origin).lines(Request("GET", "jobs/1/tail_console_logs/")) as lines:
            assert "one" == next(lines)
            with pytest.raises(TransportError):
                next(lines)

    def test_it_stays_open(self, serve: Serve, connect: Connect) -> None:
        """`close()` leaves it to its owner."""
        http, home = requests.Session(), serve(reply(data={}))
        session = connect(home.origin, http)
        session.send(GET)
        session.close()

        assert 200 == http.get(home.origin, timeout=5).status_code

    def test_a_pickle_leaves_it_behind(self, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is loaded has sockets of its own."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", TOKEN)
        loaded = pickle.loads(pickle.dumps(connect("http://backend.test")))

        assert loaded._http is None

    @pytest.mark.parametrize("request_", [GET, POST], ids=["GET", "POST"])
    @pytest.mark.parametrize("raises", [False, True])
    def test_refusals_are_told_as_ever(
        self, serve: Serve, connect: Connect, request_: Request, raises: bool
    ) -> None:
        """A 404 is a `NotFoundError`, also where a hook calls `raise_for_status()`."""
        http, home = requests.Session(), serve(reply(404, {"detail": "no"}))
        if raises:
            http.hooks["response"].append(lambda answer, **_: answer.raise_for_status())

        with pytest.raises(NotFoundError):
            connect(home.origin, http).send(request_)
        assert 1 == len(home.received)
