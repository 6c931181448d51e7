"""Every public call, met by a backend that repeats what it hears: nothing that is left of it shows a secret."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import pickle
import signal
import socket
import traceback
import warnings

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import pytest

from rich.console import Console
from rich.traceback import Traceback

from synapse import BackendClient, ConfigError, QueryError, Retry, Session, SynapseError, TransferError
from synapse.dialects import Request
from tests.amounts import part
from tests.contract import planted
from tests.faults.every import CALLS, Call, Keys, World
from tests.servers import Received, Server, Step, reply, reset

API: Final = "syn_own/api+0123456789"
AGENT: Final = "own_agent_0123456789"
USER: Final = "own_user_0123456789"
PASSWORD: Final = "own%2Fpassword"
BASIC: Final = base64.b64encode(b"me:own/password").decode()
OWN: Final = (API, AGENT, USER, PASSWORD, "own/password", BASIC)
GIVEN: Final = (planted.AGENT, planted.STORAGE, planted.SIGNATURE)
TESTS: Final = str(Path(__file__).parents[1])


def echo(status: int, kind: str) -> Step:
    """Return a step that repeats the request with all that the backend knows, as no JSON."""

    def step(connection: socket.socket, request: Received) -> None:
        said = f"{request.headers} {request.target} {planted.TEXT.decode()} {request.body!r}"
        connection.sendall(reply(status, raw=said.encode(), headers=[("Content-Type", kind)]))

    return step


def escaped(text: str) -> str:
    """Write every letter as JSON may write it."""
    return "".join(f"\\u{ord(each):04x}" for each in text)


def entities(text: str) -> str:
    """Write every letter as a page may write it."""
    return "".join(f"&#{ord(each)};" for each in text)


AWAY: Final = f"https://evil.example/a?{planted.QUERY}"
FAULTS: Final[dict[str, Step]] = {
    "rows": planted.backend,
    "echo": echo(200, "application/json"),
    "page": echo(401, "text/html"),
    "away": reply(302, headers=[("Location", AWAY)]),
    "lost": reset,
    "key": reply(
        400, raw=f'{{"{escaped(API)}": ["{escaped(AGENT)}"]}}'.encode(), headers=[("X-Request-Id", API)]
    ),
    "entities": reply(401, raw=f"<title>{entities(API)}</title>".encode(), headers=[("Content-Type", API)]),
    "spaces": reply(200, raw=b" " * (801 - len(AGENT)) + AGENT.encode(), headers=[("Content-Type", AGENT)]),
    "link": reply(200, {"count": 9, "results": [], "next": f"https://{AGENT}.evil/"}),
    "row": reply(200, {"id": API, API: 1, "results": [{"id": AGENT, AGENT: 1}], "next": None, "count": 1}),
}
DATA: Final = ("link", "row")
"""What comes as data is the user's, and shown where it is returned; errors show it nowhere."""
THROUGH_A_PROXY: Final = ("page", "lost")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The backend, or the proxy in front of it, as the test says."""
    with Server() as server:
        yield server


@contextlib.contextmanager
def connected(server: Server, folder: Path, *, proxied: bool) -> Iterator[Session]:
    """Open a session with everything that is secret."""
    who: dict[str, Any] = {"api_token": API, "agent_token": AGENT}
    host = server.origin
    if proxied:
        proxy = server.origin.replace("://", f"://me:{PASSWORD}@")
        who, host = (
            {"user_token": USER, "tenant": "acme", "proxies": {"http": proxy}},
            "http://backend.invalid",
        )
    session = Session(host, **who, retry=Retry(total=1, backoff=0.001, cap=0.001), state_dir=folder / "state")
    yield session
    session.close()


def chain(error: BaseException | None, found: dict[int, BaseException]) -> None:
    """Collect an error with all that led to it, shown or not, and all that it carries."""
    if error is None or id(error) in found:
        return
    found[id(error)] = error
    for other in (error.__cause__, error.__context__, *(each for _, each in getattr(error, "failed", ()))):
        chain(other, found)


def variables(trace: TracebackType | None) -> Iterator[str]:
    """Print every variable of every frame that is not the test's own."""
    while trace is not None:
        frame, trace = trace.tb_frame, trace.tb_next
        if not frame.f_code.co_filename.startswith(TESTS):
            yield from (
                f"{frame.f_code.co_qualname}: {name} = {value!r}" for name, value in frame.f_locals.items()
            )


def spelled(error: BaseException) -> str:
    """Print an error in every way that it has, its checkpoint read."""
    at = getattr(error, "checkpoint", None) or ""
    read = base64.urlsafe_b64decode(at + "=" * (-len(at) % 4))
    return f"{error!r} {error} {vars(error)} {read!r} {''.join(traceback.format_exception(error))}"


class Seen:
    """What one call leaves behind, and the secrets that are found in it."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.listed: list[str] = []
        self.pickles: list[bytes] = []

    def meet(self, outcome: Any, *, data: bool = False) -> None:
        """Take in what a call returned or raised; plain values are the user's own, and so is *data* that came."""
        found: dict[int, BaseException] = {}
        if isinstance(outcome, BaseException):
            chain(outcome, found)
        elif data:
            return
        elif type(outcome).__module__.startswith("synapse"):
            self.texts.append(f"{outcome!r} {outcome} {getattr(outcome, '_state', None)!r}")
        else:
            return
        self.texts += map(spelled, found.values())
        if not data:
            self.listed += [each for error in found.values() for each in variables(error.__traceback__)]
        with contextlib.suppress(
            TypeError, AttributeError, QueryError
        ):  # not everything travels, nor is it to
            self.pickles.append(pickle.dumps(outcome))

    @property
    def leaks(self) -> list[str]:
        """What shows a secret: of frames the session's own, since rows that were read are the user's data."""
        return [
            *(text for text in self.texts if any(secret in text for secret in (*OWN, *GIVEN))),
            *(text for text in self.listed if any(secret in text for secret in (*OWN, planted.SIGNATURE))),
            *(repr(each) for each in self.pickles if any(secret.encode() in each for secret in OWN)),
        ]


def world(session: Session, folder: Path) -> World:
    """Give what the calls are made on; the flat client goes by the very same session, whoever that speaks for."""
    keys = Keys(address=f"/f/a.png?{planted.QUERY}", agent_token=planted.AGENT)
    made = World(session, folder, keys)
    made.client = BackendClient(session.host, api_token=API)
    made.client.session = session
    return made


def made(call: Call, world: World) -> Any:
    """Make the call, and return its error where it has one; that is one of ours."""
    try:
        return call.do(world)
    except SynapseError as error:
        return error


@pytest.mark.parametrize("name", part(CALLS, 1))
def test_nothing_shows_a_secret(
    server: Server, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Not what it returns or raises, what led there, the variables on the way, a log, a trace, a warning, a file."""
    seen = Seen()
    for fault, step in part(FAULTS.items(), [*CALLS].index(name), of=2):
        server.script = [step]
        proxied = fault in THROUGH_A_PROXY
        with (
            caplog.at_level(logging.DEBUG),
            warnings.catch_warnings(record=True, action="always") as warned,
            connected(server, tmp_path, proxied=proxied) as session,
            session.trace() as calls,
        ):
            seen.meet(made(CALLS[name], world(session, tmp_path)), data=fault in DATA)
            seen.texts += [
                f"{calls!r} {calls} {calls.sent} {[*calls]}",
                repr(session),
                repr(session.settings),
            ]
            seen.texts += [str(each.message) for each in warned]
            seen.pickles.append(pickle.dumps([session, session.settings, list(calls)]))
    seen.texts += [f"{each.getMessage()} {each.args!r}" for each in caplog.records]
    seen.texts += capfd.readouterr()
    seen.pickles += [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]

    assert [] == seen.leaks


class TestShownVariables:
    """What programs make of the variables of a failure."""

    @pytest.fixture
    def failure(self) -> SynapseError:
        """A refusal by a function that holds a token, one so long that it is cut off."""
        with pytest.raises(ConfigError) as caught:
            Session("http://h", api_token=API * 20, proxies={"http": "httpz://proxy"})
        return caught.value

    def test_the_standard_library_hides_it(self, failure: SynapseError) -> None:
        """A traceback with its variables is what logs and test runners keep."""
        found = traceback.TracebackException.from_exception(failure, capture_locals=True)
        shown = "".join(found.format()).partition("api_token = ")[2]

        assert shown
        assert API not in shown

    def test_rich_hides_it(self, failure: SynapseError) -> None:
        """It cuts long texts before it prints them."""
        page = io.StringIO()
        trace = Traceback.from_exception(type(failure), failure, failure.__traceback__, show_locals=True)
        Console(file=page, width=300).print(trace)
        shown = page.getvalue()

        assert "api_token = '***'" in shown
        assert API[:10] not in shown.replace("API * 20", "")

    def test_an_interrupt_hides_it(self, server: Server) -> None:
        """Ctrl-C amid an upload passes through everything, and takes no header along."""

        def interrupt(*_: object) -> bytes:
            raise KeyboardInterrupt

        server.script = [planted.backend]
        with (
            Session(server.origin, api_token=API, agent_token=AGENT) as session,
            pytest.raises(KeyboardInterrupt) as caught,
        ):
            session.send(Request("POST", "data_files/", body=Sent(interrupt)))
        session.close()

        assert [] == [each for each in variables(caught.tb) if any(secret in each for secret in OWN)]


def overdue(*_: object) -> None:
    """Limit a piece of work, as programs do."""
    raise TimeoutError("the limit of the program")


ADDRESS: Final = f"/f/a.png?{planted.QUERY}"
ASKED: Final[dict[str, Callable[[Session, str], object]]] = {
    "read": lambda session, _: session.projects.count(),
    "download": lambda session, at: session.download(at + ADDRESS).__enter__(),
    "put": lambda session, at: session.put(at + ADDRESS, Sent(lambda _: b"1" * 300_000), read_timeout=5),
}


def missing(_: int) -> bytes:
    """Fail as a disk does."""
    raise OSError(5, "Input/output error")


class TestInterrupts:
    @pytest.fixture
    def silent(self) -> Iterator[str]:
        """Take connections, and say nothing."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            yield f"127.0.0.1:{listener.getsockname()[1]}"

    @pytest.fixture
    def full(self) -> Iterator[str]:
        """Take no connection, since others wait for theirs."""
        with socket.create_server(("127.0.0.1", 0), backlog=0) as listener, contextlib.ExitStack() as stack:
            for _ in range(4):
                other = stack.enter_context(socket.socket())
                other.setblocking(False)
                other.connect_ex(listener.getsockname())
            yield f"127.0.0.1:{listener.getsockname()[1]}"

    @pytest.fixture(autouse=True)
    def clock(self) -> Iterator[None]:
        """Leave no alarm behind."""
        before = signal.getsignal(signal.SIGALRM)
        yield
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

    # The standard library leaves a socket open that was interrupted as it connected.
    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    @pytest.mark.parametrize("handler", [signal.default_int_handler, overdue], ids=["ctrl-c", "alarm"])
    @pytest.mark.parametrize("scheme", ["http", "https", "connecting"])
    @pytest.mark.parametrize("asked", ASKED)
    def test_hide_what_was_under_way(
        self, silent: str, full: str, asked: str, scheme: str, handler: Any
    ) -> None:
        """Behind a proxy with a password, in clear and in a tunnel, and while a connection is being made."""
        proxies = {} if scheme == "connecting" else {scheme: f"http://me:{PASSWORD}@{silent}"}
        host = f"http://{full}" if scheme == "connecting" else f"{scheme}://backend.invalid"
        session = Session(host, api_token=API, agent_token=AGENT, proxies=proxies, retry=Retry(total=0))
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        with pytest.raises((KeyboardInterrupt, TimeoutError)) as caught:
            ASKED[asked](session, host)
        seen = Seen()
        seen.meet(caught.value)

        assert [] == seen.leaks

    def test_keep_the_frames_of_the_program(self, server: Server) -> None:
        """What went wrong in code of the user's is told with its lines."""
        server.script = [planted.backend]

        def odd(*_: object) -> bytes:
            raise KeyError("of the program")

        with Session(server.origin, api_token=API) as session, pytest.raises(KeyError) as caught:
            session.send(Request("POST", "data_files/", body=Sent(odd)))
        session.close()

        assert "odd" == traceback.extract_tb(caught.tb)[-1].name

    def test_of_before_is_no_cause(self, server: Server) -> None:
        """A call that cleans up after an interrupt tells what went wrong with itself."""
        server.script = [reset]
        session = Session(server.origin, api_token=API, retry=Retry(total=0))
        signal.signal(signal.SIGALRM, overdue)
        try:
            overdue()
        except TimeoutError:
            with pytest.raises(SynapseError, match="reset by peer"):
                session.projects.count()
        session.close()


class TestRefusals:
    @pytest.mark.parametrize("name", ["proxies", "http_proxy", "REQUESTS_CA_BUNDLE"])
    def test_of_a_setting_hide_a_password(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor do the variables of those who looked at it show it."""
        wrong, right = f"httpz://me:{PASSWORD}@proxy", f"http://me:{PASSWORD}@proxy"
        monkeypatch.setenv("http_proxy", wrong if name == "http_proxy" else right)
        if name == "REQUESTS_CA_BUNDLE":
            monkeypatch.setenv(name, "/nowhere.pem")
        with pytest.raises(ConfigError) as caught:
            Session(
                "http://h", api_token=API, proxies={"http": wrong} if name == "proxies" else None
            ).projects.count()
        seen = Seen()
        seen.meet(caught.value)

        assert [] == seen.leaks

    @pytest.mark.parametrize("known", [True, False], ids=["as it is made", "later"])
    def test_of_a_proxy_of_the_environment_hide_its_password(
        self, server: Server, known: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One that repeats it, and that the environment names before or after the session is made."""
        server.script = [echo(401, "text/html")]
        session = Session("http://backend.invalid", api_token=API) if not known else None
        monkeypatch.setenv("http_proxy", server.origin.replace("://", f"://me:{PASSWORD}@"))
        session = session or Session("http://backend.invalid", api_token=API)
        seen = Seen()
        seen.meet(made(CALLS["QuerySet.count"], world(session, Path())))
        session.close()

        assert seen.texts
        assert [] == seen.leaks

    @pytest.mark.parametrize("read", [lambda _: b"", missing], ids=["short", "unreadable"])
    def test_of_a_body_hide_an_address(self, server: Server, read: Any) -> None:
        """A file that changed is told without where it was to go."""
        proxies = {"http": server.origin.replace("://", f"://me:{PASSWORD}@")}
        session = Session("http://backend.invalid", api_token=API, proxies=proxies)
        with pytest.raises(TransferError) as caught:
            session.put(f"http://storage.invalid{ADDRESS}", Sent(read), read_timeout=5)
        session.close()
        seen = Seen()
        seen.meet(caught.value)

        assert [] == seen.leaks


class Sent:
    """A body whose reading is interrupted."""

    content_type = "image/png"
    length = 300_000

    def __init__(self, read: Callable[..., bytes]) -> None:
        self.read = read

    def open(self) -> Sent:
        """Return itself."""
        return self
