"""Proxies: which are used, what they are told, and what comes of those that refuse, lie or are away."""

from __future__ import annotations

import base64
import io
import logging
import math
import pickle
import socket
import threading
import time
import traceback

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import (
    BackendClient,
    ConfigError,
    NotFoundError,
    ServerError,
    Session,
    SynapseError,
    TransportError,
    WriteUnconfirmedError,
)
from synapse.session import Retry
from tests.faults.hostile import FIRST, Act, Backend, Proxy, answer, close, reset, stall
from tests.faults.tls import NAME, Certificates, Forward, Greeter, drip, garbage, gone, plain
from tests.servers import Server, reply, tls

PASSWORD = "s3cret/wörd"
USER = f"someone:{PASSWORD}"
QUOTED = "someone:s3cret%2Fw%C3%B6rd"
CODED = base64.b64encode(USER.encode()).decode()

Through = Callable[..., Session]


@pytest.fixture
def front(certificates: Certificates, backend: Backend) -> Iterator[Proxy]:
    """Speak TLS before the backend, to be reached through a tunnel."""
    with Proxy(backend.address, secure=certificates.server()) as front:
        yield front


@pytest.fixture
def forward(front: Proxy, backend: Backend) -> Iterator[Forward]:
    """A proxy that lets everyone through."""
    with Forward(backend.address, tunnels=front.here) as forward:
        yield forward


@pytest.fixture
def strict(front: Proxy, backend: Backend) -> Iterator[Forward]:
    """A proxy that asks for name and password."""
    with Forward(backend.address, tunnels=front.here, wants=USER) as forward:
        yield forward


@pytest.fixture
def through(certificates: Certificates, backend: Backend) -> Iterator[Through]:
    """Open sessions for the name that only proxies know, with one attempt."""
    made: list[Session] = []

    def make(proxy: str | None, *, scheme: str = "https", **options: Any) -> Session:
        usual: dict[str, Any] = {"retry": Retry(total=0), "timeout": {"connect": 2, "read": 10}}
        usual |= {"api_token": backend.sandbox.api_token, "verify": certificates.bundle, "state_dir": False}
        usual |= {"proxies": {scheme: proxy} if proxy else None}
        made.append(Session(f"{scheme}://{NAME}", **(usual | options)))
        return made[-1]

    yield make
    for session in made:
        session.close()


def write(session: Session) -> None:
    """Write something."""
    session.projects.create(title="Proxies", category="image")


def with_user(url: str, user: str = QUOTED) -> str:
    """Put name and password into the address of a proxy."""
    return url.replace("://", f"://{user}@")


class TestChoice:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize("name", ["{}_proxy", "all_proxy", "ALL_PROXY"])
    def test_of_the_environment(
        self, forward: Forward, through: Through, monkeypatch: pytest.MonkeyPatch, scheme: str, name: str
    ) -> None:
        """The usual variables are read, for both schemes."""
        monkeypatch.setenv(name.format(scheme), forward.url)

        assert through(None, scheme=scheme).projects.count() >= 0
        assert 1 == len(forward.received)

    def test_of_the_environment_by_the_flat_client(
        self, forward: Forward, certificates: Certificates, backend: Backend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A script of the documented client needs no other argument."""
        monkeypatch.setenv("HTTPS_PROXY", forward.url)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificates.bundle)
        client = BackendClient(f"https://{NAME}", api_token=backend.sandbox.api_token)

        assert client.list_tasks() is not None
        assert 1 == len(forward.tunnels)

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_argument_precedes_the_environment(
        self, forward: Forward, through: Through, monkeypatch: pytest.MonkeyPatch, scheme: str
    ) -> None:
        """What was given is used, whatever the environment says."""
        monkeypatch.setenv(f"{scheme}_proxy", "http://127.0.0.1:9")

        assert through(forward.url, scheme=scheme).projects.count() >= 0

    @pytest.mark.parametrize("key", ["all", f"https://{NAME}"])
    def test_by_the_keys_of_requests(self, forward: Forward, through: Through, key: str) -> None:
        """A proxy for everything, or for one host."""
        assert through(None, proxies={key: forward.url}).projects.count() >= 0
        assert 1 == len(forward.tunnels)

    @pytest.mark.parametrize("how", ["NO_PROXY", "no_proxy", "argument"])
    def test_leaves_out_what_goes_directly(
        self, front: Proxy, through: Through, monkeypatch: pytest.MonkeyPatch, how: str
    ) -> None:
        """Hosts that need no proxy are asked without."""
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        if how != "argument":
            monkeypatch.setenv(how, "localhost,127.0.0.1")
        proxies = {"no_proxy": "127.0.0.1"} if how == "argument" else None
        session = through(None, proxies=proxies)
        with pytest.raises(NotFoundError), session.download(f"{front.url}/media/none"):
            pass

        assert 1 == len(front.received)

    def test_one_tunnel_serves_many_requests(
        self, certificates: Certificates, through: Through, tmp_path: Path
    ) -> None:
        """A tunnel stays open, and what follows goes through it."""
        with Server(reply(data={"count": 0, "results": []}), secure=tls(certificates.serving)) as server:
            address = ("127.0.0.1", int(server.origin.rpartition(":")[2]))
            with Forward(address) as forward:
                session = through(forward.url)
                for _ in range(3):
                    session.projects.count()

                assert (1, 3) == (len(forward.tunnels), len(server.received))


class TestPassword:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_is_told_to_the_proxy_only(
        self, strict: Forward, front: Proxy, through: Through, scheme: str
    ) -> None:
        """In any alphabet; what goes through a tunnel has none of it."""
        write(through(with_user(strict.url), scheme=scheme))

        assert [f"Basic {CODED}"] == [each.headers["proxy-authorization"] for each in strict.received]
        assert not [each for each in front.received if "proxy-authorization" in each.headers]

    @pytest.mark.parametrize("user", ["", "someone", "someone:wrong"], ids=["none", "no-password", "wrong"])
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_that_is_missing_is_asked_for(
        self, strict: Forward, front: Proxy, through: Through, scheme: str, user: str
    ) -> None:
        """Nothing reached the backend, so that a write was surely not made; asked once."""
        url = with_user(strict.url, user) if user else strict.url
        session = through(url, scheme=scheme, retry=Retry(total=3, backoff=0.001))
        with pytest.raises(TransportError) as caught:
            write(session)

        words = f"the proxy {strict.url} asks for a name and a password (407): give http://name:password@host:port"
        assert TransportError is type(caught.value)
        assert words in str(caught.value)
        assert (1, []) == (len(strict.received), front.received)

    @pytest.mark.parametrize("user", [QUOTED, "key-that-stands-for-both"])
    def test_that_comes_later_is_not_shown_either(
        self, through: Through, monkeypatch: pytest.MonkeyPatch, user: str
    ) -> None:
        """The environment is looked at when something is sent; an address without a scheme is one of http."""
        with Server(lambda c, asked: c.sendall(reply(403, raw=f"{asked.headers}".encode()))) as server:
            session = through(None, scheme="http")
            monkeypatch.setenv("http_proxy", with_user(server.origin, user).removeprefix("http://"))
            with pytest.raises(SynapseError, match=r"'Basic \*\*\*\w{0,2}={0,2}'"):
                session.projects.count()

    @pytest.mark.parametrize(
        "status",
        [b"407 Basic %s", b"502 sent %s", b"200 OK\r\nVia: %s", b"%s"],
        ids=["407", "502", "200", "none"],
    )
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_is_shown_nowhere(
        self, through: Through, caplog: pytest.LogCaptureFixture, scheme: str, status: bytes
    ) -> None:
        """Not even where the proxy repeats it in what it answers."""
        caplog.set_level(logging.DEBUG)
        with Greeter(echo(status)) as greeter:
            session = through(with_user(f"http://127.0.0.1:{greeter.address[1]}"), scheme=scheme)
            with session.trace() as calls, pytest.raises(SynapseError) as caught:
                write(session)

        told = "".join(
            traceback.TracebackException.from_exception(caught.value, capture_locals=True).format()
        )
        seen = (
            f"{told} {caplog.text} {calls} {calls[0]!r} {session!r} {session.settings!r} {vars(caught.value)}"
        )
        pickled = pickle.dumps(session) + pickle.dumps(session.settings) + pickle.dumps(caught.value)
        assert not [part for part in ("s3cret", CODED) if part in seen or part.encode() in pickled]

    def test_is_looked_up_again_by_a_pickle(
        self, strict: Forward, through: Through, backend: Backend, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A pickle keeps the address of the proxy: without the password it is refused, and never passed by."""
        pickled = pickle.dumps(through(with_user(strict.url)))
        monkeypatch.setenv("SYNAPSE_API_TOKEN", backend.sandbox.api_token)
        with pytest.raises(TransportError, match="asks for a name and a password"):
            pickle.loads(pickled).projects.count()
        monkeypatch.setenv("HTTPS_PROXY", with_user(strict.url))

        assert pickle.loads(pickled).projects.count() >= 0


def echo(status: bytes) -> Callable[[socket.socket, threading.Event], object]:
    """Return what repeats the password in its answer."""

    def act(client: socket.socket, _: threading.Event) -> None:
        client.recv(64 * 1024)
        client.sendall(
            b"HTTP/1.1 " + status.replace(b"%s", CODED.encode()) + b"\r\nContent-Length: 0\r\n\r\n"
        )

    return act


def page(status: int) -> Act:
    """Return an act that answers with a page."""
    return answer(status, raw=b"<html>Blocked</html>", kind="text/html")


class TestTunnel:
    @pytest.mark.parametrize(
        ("act", "words", "attempts"),
        [
            (page(403), r"the proxy {} opened no tunnel \(403\)", 1),
            (page(302), r"the proxy {} opened no tunnel \(302\)", 1),
            (page(502), r"the proxy {} opened no tunnel \(502\) \(3 attempts\)", 3),
            (page(429), r"the proxy {} opened no tunnel \(429\) \(3 attempts\)", 3),
            (page(200), r"(TLS could not be agreed on|no connection|what answers behind the proxy)", None),
            (close, r"the proxy {} broke off before it opened a tunnel \(3 attempts\)", 3),
            (reset, r"the proxy {} broke off before it opened a tunnel: connection reset", 3),
            (stall, r"no connection within 0\.3 s \(3 attempts\)", 3),
        ],
        ids=["403", "302", "502", "429", "page", "close", "reset", "stall"],
    )
    def test_that_does_not_open_sent_nothing(
        self, forward: Forward, front: Proxy, through: Through, act: Act, words: str, attempts: int | None
    ) -> None:
        """A write was surely not made; what may pass is tried again, what was refused is not."""
        forward.harm("CONNECT", act, times=math.inf)
        timeout = {"connect": 0.3 if act is stall else 10, "read": 10}
        session = through(forward.url, retry=Retry(total=2, backoff=0.001), timeout=timeout)
        with pytest.raises(TransportError, match=words.format(forward.url)) as caught:
            write(session)

        assert TransportError is type(caught.value)
        assert [] == front.received
        assert attempts in (None, len(forward.tunnels))

    def test_answer_that_trickles_is_given_up(self, through: Through) -> None:
        """The limit for connecting holds for the whole answer of a proxy, not for each byte of it."""
        with Greeter(drip) as greeter:
            session = through(f"http://127.0.0.1:{greeter.address[1]}", timeout={"connect": 0.3})
            started = time.monotonic()
            with pytest.raises(TransportError, match=r"no connection within 0\.3 s"):
                write(session)

        assert time.monotonic() - started < 10

    def test_heals(self, forward: Forward, front: Proxy, through: Through) -> None:
        """A write whose tunnel failed once is made once."""
        forward.harm("CONNECT", reset)
        write(through(forward.url, retry=Retry(total=1, backoff=0.001)))

        assert (2, 1) == (len(forward.tunnels), len(front.received))

    def test_cut_after_the_request_is_unconfirmed(
        self, forward: Forward, front: Proxy, through: Through
    ) -> None:
        """What went through it may have happened."""
        front.harm("POST", close, of="answer", at=FIRST)
        with pytest.raises(WriteUnconfirmedError, match="the connection was lost"):
            write(through(forward.url, retry=Retry(total=2)))

        assert 1 == len(front.requests("POST"))


class TestPlain:
    @pytest.mark.parametrize("act", [close, reset], ids=["close", "reset"])
    def test_cut_within_the_answer_is_unconfirmed(self, forward: Forward, through: Through, act: Act) -> None:
        """A proxy that took the request may have passed it on."""
        forward.harm("POST", act, of="answer", at=FIRST)
        with pytest.raises(WriteUnconfirmedError, match="the connection was lost"):
            write(through(forward.url, scheme="http"))

        assert 1 == len(forward.received)

    def test_page_is_no_answer(self, forward: Forward, through: Through) -> None:
        """A page with status 200 is said to be one."""
        forward.harm("GET", page(200))
        with pytest.raises(
            TransportError, match="200 with a body that is not JSON .text/html: <html>Blocked"
        ):
            through(forward.url, scheme="http").projects.count()

    def test_refusal_is_repeated_in_its_words(self, forward: Forward, through: Through) -> None:
        """What a gateway says is told; it did not say that it was the backend."""
        forward.harm("GET", page(503))
        with pytest.raises(ServerError, match=r"503 .an HTML page: Blocked"):
            through(forward.url, scheme="http").projects.count()


class TestAway:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    @pytest.mark.parametrize(
        ("proxy", "words"),
        [
            ("http://127.0.0.1:9", "the proxy http://127.0.0.1:9 could not be used: connection refused"),
            (
                "http://proxy.invalid:3128",
                "the host name of the proxy http://proxy.invalid:3128 could not be resolved",
            ),
        ],
        ids=["refused", "unknown"],
    )
    def test_is_named(self, through: Through, proxy: str, words: str, scheme: str) -> None:
        """The proxy is named, not the backend, and never its password; nothing was sent."""
        with pytest.raises(TransportError) as caught:
            write(through(with_user(proxy), scheme=scheme))

        assert TransportError is type(caught.value)
        assert words in str(caught.value)

    def test_does_not_answer_in_time(self, through: Through) -> None:
        """The limit for connecting holds towards a proxy."""
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            knocks = [knock(full.getsockname()) for _ in range(3)]
            session = through(f"http://127.0.0.1:{full.getsockname()[1]}", timeout={"connect": 0.1})
            with pytest.raises(TransportError, match="could not be used: it did not answer in time"):
                write(session)
            for each in knocks:
                each.close()


def knock(address: Any) -> socket.socket:
    """Begin a connection that nobody takes."""
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(address)
    return client


class TestEncrypted:
    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_is_reached_by_tls(
        self, certificates: Certificates, backend: Backend, front: Proxy, through: Through, scheme: str
    ) -> None:
        """A proxy may itself speak TLS, whatever goes through it."""
        with Forward(
            backend.address, tunnels=front.here, wants=USER, secure=certificates.server()
        ) as forward:
            write(through(with_user(forward.url), scheme=scheme))

            assert [f"Basic {CODED}"] == [each.headers["proxy-authorization"] for each in forward.received]

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_is_verified(
        self, certificates: Certificates, backend: Backend, through: Through, scheme: str
    ) -> None:
        """Nobody that could pretend to be the proxy learns its password."""
        with Forward(backend.address, wants=USER, secure=certificates.foreign()) as forward:
            with pytest.raises(TransportError, match=r"the certificate of the proxy .* was not accepted"):
                write(through(with_user(forward.url), scheme=scheme))

            assert [] == forward.received

    def test_that_does_not_speak_tls(self, through: Through) -> None:
        """An address that begins with the wrong scheme is told."""
        words = "does not speak TLS: is its address http://"
        with Greeter(plain) as greeter, pytest.raises(TransportError, match=words) as caught:
            write(through(f"https://127.0.0.1:{greeter.address[1]}"))

        assert TransportError is type(caught.value)

    @pytest.mark.parametrize("act", [gone, garbage], ids=["gone", "garbage"])
    def test_that_breaks_off(self, through: Through, act: Any) -> None:
        """A handshake with a proxy that fails sent nothing."""
        with Greeter(act) as greeter, pytest.raises(TransportError) as caught:
            write(through(f"https://127.0.0.1:{greeter.address[1]}"))

        assert TransportError is type(caught.value)


class TestSettings:
    @pytest.mark.parametrize(
        "url",
        [
            "http://",
            "http://:3128",
            "http://me:s3cret@",
            "http://me:s3cret/word@proxy:3128",
            "http://me:s3cret@proxy:port",
            "http://me:s3cret@proxy:99999",
            "http://me:s3cret@[::1",
            "http://me:s3cret@pro xy",
            "http://me:s3cret@proxy\r\nX: y",
            "ftp://me:s3cret@proxy",
        ],
    )
    def test_that_are_no_proxy_are_refused(self, through: Through, url: str) -> None:
        """As the session is made, and without showing what was given."""
        with pytest.raises(ConfigError, match=r"^proxies\['https'\] ") as caught:
            through(url)

        assert "s3cret" not in "".join(traceback.format_exception(caught.value))

    def test_of_the_environment_are_checked_as_well(
        self, through: Through, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """At the first call, when they are read."""
        monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret/word@proxy:3128")
        with pytest.raises(ConfigError, match="the proxy of the environment is no address") as caught:
            write(through(None))

        assert "s3cret" not in "".join(traceback.format_exception(caught.value))

    @pytest.mark.parametrize("key", ["htps", "https:", "ftp", "https://", 7])
    def test_under_an_unknown_key_are_refused(self, through: Through, key: Any) -> None:
        """A misspelt key would mean that no proxy is used."""
        with pytest.raises(ConfigError, match="^proxies has no "):
            through(None, proxies={key: "http://proxy:3128"})

    def test_socks_needs_its_library(self, through: Through) -> None:
        """It is named, and how to get it."""
        with pytest.raises(ConfigError, match=r"pip install 'requests\[socks\]'"):
            write(through("socks5h://me:s3cret@127.0.0.1:9"))


class TestFiles:
    def test_from_and_to_other_hosts_go_through(
        self, certificates: Certificates, through: Through, tmp_path: Path
    ) -> None:
        """Downloads and signed addresses, without the token; what they answer is no matter here."""
        server = Server(reply(raw=b"content"), secure=tls(certificates.serving))
        address = ("127.0.0.1", int(server.origin.rpartition(":")[2]))
        with server, Forward(address, wants=USER) as forward:
            session = through(with_user(forward.url))
            with session.download("https://files.other.test/a.png") as file:
                content = b"".join(file.chunks())
            session.put("https://bucket.other.test/b?sig=s3cret", Content(), read_timeout=5)

        assert b"content" == content
        assert ["files.other.test:443", "bucket.other.test:443"] == [each.target for each in forward.tunnels]
        names = {name for request in server.received for name in request.headers}
        assert not names & {
            "synapse-access-token",
            "authorization",
            "proxy-authorization",
            "cookie",
            "referer",
        }


class Content:
    """A body of a few bytes."""

    content_type, length = "image/png", 3

    def open(self) -> Any:
        """Begin at its start."""
        return io.BytesIO(b"abc")
