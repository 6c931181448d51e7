"""A token stays with the origin that it was given for, whatever a backend, a file or a proxy says."""

from __future__ import annotations

import io

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from synapse import BackendClient, OriginError, RemoteFile, Session, SynapseError, Task, TransportError
from synapse.dialects import Request
from synapse.downloads import FileCache
from synapse.session import Retry
from synapse.uploads import upload_file
from tests.amounts import part
from tests.faults.every import CALLS, World
from tests.faults.tls import Certificates
from tests.servers import Server, reply, tls

TOKEN: Final = "syn_0123456789abcdef"
AGENT: Final = "agent0123456789abcdef"
TENANT: Final = "tenant0123456789"
SECRETS: Final = (TOKEN, AGENT, TENANT, "netrc-password")
BARE: Final = {"host", "user-agent", "accept", "accept-encoding"}
"""What a foreign host is told: nothing of who is asking."""

METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
MOVED: Final = (301, 302, 303, 307, 308)

Serve = Callable[..., Server]
Connect = Callable[..., Session]


@pytest.fixture(autouse=True)
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a password for every host at hand, as many machines do."""
    path = tmp_path / "netrc"
    path.write_text("default login someone password netrc-password\n")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that follow a script."""
    with ExitStack() as stack:
        yield lambda *script, **options: stack.enter_context(Server(*script, **options))


@pytest.fixture
def foreign(serve: Serve) -> Server:
    """A server that would be glad of a token, and sets cookies."""
    return serve(reply(data={"results": []}, headers=[("Set-Cookie", "spy=1")]))


@pytest.fixture
def connect(tmp_path: Path) -> Iterator[Connect]:
    """Open sessions that have a secret of each kind, and try once."""
    with ExitStack() as stack:

        def make(host: str, **options: Any) -> Session:
            usual: dict[str, Any] = {"api_token": TOKEN, "agent_token": AGENT, "tenant": TENANT}
            usual |= {"retry": Retry(total=0), "timeout": {"connect": 2, "read": 2}}
            usual |= {"state_dir": tmp_path / "state"} | options
            session = Session(host, **usual)
            stack.callback(session.close)
            return session

        yield make


def moved(location: str, status: int = 302) -> bytes:
    """Return an answer that leads elsewhere."""
    return reply(status, {}, headers=[("Location", location), ("Set-Cookie", "home=1")])


def page(following: str, **row: Any) -> bytes:
    """Return a page that another one follows."""
    return reply(data={"count": 1000, "next": following, "previous": None, "results": [{"id": 1, **row}]})


def check(server: Server) -> None:
    """Nothing that a server got may hold a secret: not in its address, its headers or its body."""
    for request in server.received:
        assert not [secret for secret in SECRETS if secret in str(request)]
        assert not {"cookie", "referer", "authorization", "proxy-authorization"} & set(request.headers)
        assert not [name for name in request.headers if name.startswith("synapse")]


class TestEveryCall:
    """Whatever the calls make of such answers: nothing that is secret goes elsewhere."""

    @pytest.mark.parametrize("name", part(CALLS, 0))
    def test_led_away_by_what_an_answer_holds(
        self, serve: Serve, foreign: Server, connect: Connect, tmp_path: Path, name: str
    ) -> None:
        """Links in pages, in rows and of uploads all lead to another host."""
        links = dict.fromkeys(
            ("url", "file", "file_url", "upload_url", "location"), f"{foreign.origin}/a.png"
        )
        row = {"id": 1, **links, "files": {"image_1": links}, "presigned": links}
        body = {"count": 1000, "next": f"{foreign.origin}/?page=2", "results": [row], **row}
        home = serve(reply(data=body))
        with suppress(SynapseError), connect(home.origin) as session:
            CALLS[name].do(World(session, tmp_path))

        check(foreign)

    @pytest.mark.parametrize("name", part(CALLS, 1))
    def test_led_away_by_a_redirect(
        self, serve: Serve, foreign: Server, connect: Connect, tmp_path: Path, name: str
    ) -> None:
        """Every answer is a redirect to another host, of writes one that keeps the method: only files are fetched."""
        home = serve(moved(f"{foreign.origin}/away", 307 if CALLS[name].writes else 302))
        with suppress(SynapseError), connect(home.origin) as session:
            CALLS[name].do(World(session, tmp_path))

        check(foreign)
        assert {"GET"} >= {request.method for request in foreign.received}
        assert "File" in name or not foreign.received


class TestRedirects:
    @pytest.mark.parametrize("status", MOVED)
    @pytest.mark.parametrize("method", METHODS)
    def test_to_another_host_are_refused(
        self, serve: Serve, foreign: Server, connect: Connect, method: str, status: int
    ) -> None:
        """Reads and writes alike, at once; the error names both places and no path."""
        home = serve(moved(f"{foreign.origin}/path?token=x", status))
        session = connect(home.origin, retry=Retry(total=3))
        with pytest.raises(OriginError) as caught:
            session.send(Request(method, "tasks/", json={} if method in ("POST", "PUT", "PATCH") else None))

        assert f"leads from {home.origin} to {foreign.origin}; it was not followed" in str(caught.value)
        assert "path" not in str(caught.value)
        assert (1, []) == (len(home.received), foreign.received)

    @pytest.mark.parametrize("status", MOVED)
    def test_of_a_stream_are_refused(
        self, serve: Serve, foreign: Server, connect: Connect, status: int
    ) -> None:
        """The tail of a job goes nowhere else either."""
        session = connect(serve(moved(foreign.origin, status)).origin)
        with pytest.raises(OriginError), session.lines(Request("GET", "jobs/1/tail_console_logs/")):
            pass

        assert [] == foreign.received

    def test_are_what_their_status_says(self, serve: Serve, foreign: Server, connect: Connect) -> None:
        """An answer that is no redirect leads nowhere, whatever place it names."""
        home = serve(reply(201, {"id": 7, "name": "made"}, headers=[("Location", f"{foreign.origin}/7")]))
        made = connect(home.origin).task_tags.create(project_id=1, name="made")

        assert (7, 1, []) == (made.id, len(home.received), foreign.received)

    def test_within_the_origin_keep_the_token(self, serve: Serve, connect: Connect) -> None:
        """A backend that moves a list is followed, as who one is; its cookies are not kept."""
        home = serve(moved("/there/"), reply(data={"id": 1}))
        connect(home.origin).send(Request("GET", "here/"))

        assert f"Token {TOKEN}" == home.received[1].headers["synapse-access-token"]
        assert not {"cookie", "referer", "authorization"} & set(home.received[1].headers)


SPELLINGS: Final = [
    "http://{evil}/",
    "HTTP://{evil}/",
    "//{evil}/",
    "///{evil}/",
    "\\\\{evil}\\",
    "/\\{evil}/",
    "\\/{evil}/",
    "http:\\\\{evil}\\",
    "http:/\\{evil}/",
    " http://{evil}/",
    "\thttp://{evil}/",
    "ht\ttp://{evil}/",
    "http://\t{evil}/",
    "http://{home}@{evil}/",
    "http://{home}%40{evil}/",
    "http://user:word@{evil}/",
    "http://{evil}\\@{home}/",
    "http://{evil}#@{home}/",
    "http://{evil}?@{home}/",
    "http://{home}.evil.test/",
    "http://{evil}%00.{home}/",
    "http://{evil}。/",
    "https://{evil}/",
    "ftp://{evil}/",
    "javascript://{evil}/%0aalert(1)",
    "data:text/html,{evil}",
]


class TestSpellings:
    @pytest.mark.parametrize("link", SPELLINGS)
    @pytest.mark.parametrize("by", ["next", "Location"])
    def test_of_another_host_lead_nowhere(
        self, serve: Serve, foreign: Server, connect: Connect, link: str, by: str
    ) -> None:
        """Whoever reads a link otherwise than others do: it is refused, or is a path of the own host."""
        home = serve()
        link = link.format(
            evil=foreign.origin.removeprefix("http://"), home=home.origin.removeprefix("http://")
        )
        home.script[:] = [moved(link) if by == "Location" else page(link), reply(data={"results": []})]
        with suppress(OriginError):
            list(connect(home.origin).tasks.all())

        assert [] == foreign.received
        assert {TOKEN} == {each.headers["synapse-access-token"][6:] for each in home.received}

    @pytest.mark.parametrize(
        ("host", "link"),
        [
            ("http://backend.test", "http://backend.test:80/there/"),
            ("http://backend.test", "HTTP://BACKEND.TEST/there/"),
            ("http://backend.test", "http://backend.test./there/"),
            ("http://backend.test", "//backend.test/there/"),
            ("http://backend.test:80", "http://backend.test/there/"),
            ("http://backend.test.", "http://backend.test/there/"),
            ("http://bücher.test", "http://xn--bcher-kva.test/there/"),
            ("http://xn--bcher-kva.test", "http://BÜCHER.test/there/"),
            ("http://backend.test", "http://ｂackend。test/there/"),
            ("http://[::1]", "http://[0:0:0:0:0:0:0:1]:80/there/"),
            ("http://[::FFFF]", "http://[::ffff]/there/"),
        ],
    )
    def test_of_the_own_host_are_followed(self, serve: Serve, connect: Connect, host: str, link: str) -> None:
        """Case, the default port, a dot at the end and the letters of a name make no other host."""
        home = serve(moved(link), reply(data={"id": 1}))
        session = connect(host, proxies={"http": home.origin})
        session.send(Request("GET", "here/"))

        assert f"{session.origin}/there/" == home.received[1].target
        assert session.origin.isascii()
        assert f"Token {TOKEN}" == home.received[1].headers["synapse-access-token"]

    @pytest.mark.parametrize(
        ("host", "link"),
        [
            ("http://127.0.0.1", "http://localhost/"),
            ("http://127.0.0.1", "http://127.1/"),
            ("http://127.0.0.1", "http://2130706433/"),
            ("http://127.0.0.1", "http://0x7f.0.0.1/"),
            ("http://127.0.0.1", "http://[::ffff:127.0.0.1]/"),
            ("http://backend.test", "http://backend.test:8080/"),
            ("http://backend.test", "https://backend.test/"),
            ("https://backend.test", "http://backend.test:443/"),
            ("http://backend.test", "http://www.backend.test/"),
            ("http://backend.test", "http://bаckend.test/"),
            ("http://backend.test", "http://backend.test%2eevil.test/"),
            ("http://backend.test", "http://backend.test%00/"),
        ],
    )
    def test_that_only_look_like_the_own_host_are_refused(
        self, connect: Connect, host: str, link: str
    ) -> None:
        """What might be the same machine is not taken for it, and no letter for another that looks like it."""
        with pytest.raises(OriginError):
            connect(host).check_link(link)


class TestPages:
    def test_that_follow_elsewhere_are_an_error(
        self, serve: Serve, foreign: Server, connect: Connect
    ) -> None:
        """Objects and the flat client say the same; the rows so far are no excuse."""
        home = serve(page(f"{foreign.origin}/tasks/?page=2"))
        session = connect(home.origin)
        client = BackendClient(home.origin, api_token=TOKEN)
        client.session = session
        for read in (
            lambda: list(Task.objects.using(session)),
            lambda: list(Task.objects.using(session).iterator()),
            lambda: Task.objects.using(session).count(),
            lambda: list(client.list_tasks(list_all=True)[0]),
        ):
            with pytest.raises(OriginError, match="it was not followed"):
                read()

        assert [] == foreign.received


class TestDowngrade:
    @pytest.mark.parametrize("by", ["next", "Location"])
    def test_gives_up_no_token(
        self, serve: Serve, foreign: Server, certificates: Certificates, connect: Connect, by: str
    ) -> None:
        """From https to http is another origin, even on the same host."""
        home = serve(secure=tls(certificates.serving))
        for link in (foreign.origin, home.origin.replace("https:", "http:")):
            home.script[:] = [moved(link) if by == "Location" else page(f"{link}/?page=2")]
            with pytest.raises(OriginError, match="leads from https://.* to http://"):
                list(connect(home.origin, verify=certificates.bundle).tasks.all())

        assert [] == foreign.received
        assert "TLS" not in {each.method for each in home.received}


class TestUploads:
    @pytest.mark.parametrize(
        "link", ["{evil}/u/1/", "//{bare}/u/1/", "http://home@{bare}/u/1/", "\\\\{bare}\\u"]
    )
    def test_in_chunks_go_nowhere_else(
        self, serve: Serve, foreign: Server, connect: Connect, tmp_path: Path, link: str
    ) -> None:
        """The address that a backend gives an upload is its own, or is refused before the next chunk."""
        bare = foreign.origin.removeprefix("http://")
        started = {"id": "1", "url": link.format(evil=foreign.origin, bare=bare), "offset": 1000}
        home = serve(reply(data=started | {"expires_at": None, "status": 1}))
        path = tmp_path / "scan.bin"
        path.write_bytes(bytes(3000))
        with pytest.raises(OriginError):
            upload_file(connect(home.origin), path, chunked=True, chunk_size=1000)

        assert (["PUT"], []) == ([each.method for each in home.received], foreign.received)

    def test_to_a_signed_address_carry_no_token(
        self, serve: Serve, foreign: Server, connect: Connect
    ) -> None:
        """Nor what it redirects to, be it the backend itself."""
        home = serve(moved(f"{foreign.origin}/b", 307))
        session = connect(home.origin)
        session.put(f"{home.origin}/a?sig=s3cret", Content(), read_timeout=2)

        check(foreign)
        check(home)
        assert [b"abc"] == [each.body for each in foreign.received]
        assert BARE | {"content-length", "content-type"} == set(foreign.received[0].headers)


class Content:
    """A body of a few bytes."""

    content_type, length = "image/png", 3

    def open(self) -> Any:
        """Begin at its start."""
        return io.BytesIO(b"abc")


class TestFiles:
    @pytest.mark.parametrize(
        "read",
        [
            lambda file, folder: file.read(),
            lambda file, folder: file.open().read(),
            lambda file, folder: file.download(folder / "out.png"),
            lambda file, folder: file.open(cache=FileCache(folder / "cache")).close(),
        ],
        ids=["read", "open", "download", "cache"],
    )
    def test_of_another_host_are_fetched_as_by_anyone(
        self, foreign: Server, connect: Connect, tmp_path: Path, read: Callable[..., Any]
    ) -> None:
        """Neither tokens nor tenant, no cookie and no password of the machine."""
        foreign.script[:] = [reply(raw=b"content")]
        session = connect("http://127.0.0.1:9")
        read(RemoteFile(url=f"{foreign.origin}/a.png?x=1", session=session), tmp_path)

        check(foreign)
        assert BARE == set(foreign.received[0].headers)

    def test_led_back_to_the_backend_get_no_token(
        self, serve: Serve, foreign: Server, connect: Connect
    ) -> None:
        """Who sends a download through the backend could otherwise read as who is asking."""
        home = serve(reply(raw=b"content"))
        foreign.script[:] = [moved(f"{home.origin}/projects/")]
        with connect(home.origin).download(f"{foreign.origin}/a.png") as file:
            assert b"content" == b"".join(file.chunks())

        check(home)
        check(foreign)

    def test_with_a_name_in_their_address_send_none(self, foreign: Server, connect: Connect) -> None:
        """What stands before the host is no password of ours to send."""
        foreign.script[:] = [reply(raw=b"content")]
        bare = foreign.origin.removeprefix("http://")
        with connect("http://127.0.0.1:9").download(f"http://user:word@{bare}/a.png") as file:
            assert b"content" == b"".join(file.chunks())

        check(foreign)
        assert bare == foreign.received[0].headers["host"]

    def test_are_found_by_international_names(self, serve: Serve, connect: Connect) -> None:
        """The host goes onto the wire in its one spelling, without what stood before it."""
        proxy = serve(reply(raw=b"content"))
        session = connect("http://127.0.0.1:9", proxies={"http": proxy.origin})
        with session.download("http://user:word@Bücher.test:8080/한.png?x=1#top") as file:
            assert b"content" == b"".join(file.chunks())

        assert "http://xn--bcher-kva.test:8080/%ED%95%9C.png?x=1" == proxy.received[0].target
        check(proxy)

    def test_of_the_backend_itself_get_none_either(self, serve: Serve, connect: Connect) -> None:
        """An address below the backend may be one that a storage answers."""
        home = serve(reply(raw=b"content"))
        session = connect(home.origin)
        RemoteFile(url="/media/a.png", session=session).read()

        check(home)


class TestNetrc:
    def test_is_no_source_of_credentials(self, serve: Serve, connect: Connect) -> None:
        """A password that the machine knows neither replaces the token nor joins it."""
        home = serve(reply(data={"id": 1}))
        session = connect(home.origin)
        for method in METHODS:
            session.send(Request(method, "tasks/", json={} if method in ("POST", "PUT", "PATCH") else None))

        assert {f"Token {TOKEN}"} == {each.headers["synapse-access-token"] for each in home.received}
        assert not [each for each in home.received if "authorization" in each.headers]

    def test_does_not_replace_a_user_token(self, serve: Serve, connect: Connect) -> None:
        """The header that both would use is the user's."""
        home = serve(reply(data={"id": 1}))
        session = connect(home.origin, api_token=None, agent_token=None, user_token="user0123456789")
        session.send(Request("GET", "tasks/"))

        assert "Token user0123456789" == home.received[0].headers["authorization"]

    @pytest.mark.parametrize("away", ["home", "foreign"])
    def test_has_nothing_for_files_and_streams(self, serve: Serve, connect: Connect, away: str) -> None:
        """Neither for those of the backend nor for those of another host, whichever way they go."""
        content = reply(raw=b"content", headers=[("Content-Type", "text/plain")])
        home, other = serve(content), serve(content)
        place, session = (home if away == "home" else other).origin, connect(home.origin)
        with session.download(f"{place}/a.png") as file:
            assert b"content" == b"".join(file.chunks())
        session.put(f"{place}/a.png?sig=1", Content(), read_timeout=2)
        with session.lines(Request("GET", "jobs/1/tail_console_logs/")) as lines:
            assert ["content"] == list(lines)

        received = [*home.received, *other.received]
        assert 3 == len(received)
        assert not [each for each in received if "authorization" in each.headers]

    def test_tells_no_proxy_a_password(self, serve: Serve, connect: Connect) -> None:
        """A proxy is told what its address says, and nothing else."""
        proxy = serve(reply(407, {}))
        with pytest.raises(TransportError, match="asks for a name and a password"):
            connect("http://backend.test", proxies={"http": proxy.origin}).send(Request("GET", "tasks/"))

        assert "proxy-authorization" not in proxy.received[0].headers
        assert "netrc-password" not in str(proxy.received)
