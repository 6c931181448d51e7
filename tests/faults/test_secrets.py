"""Every public call, met by a backend that repeats what it hears: nothing that is left of it shows a secret."""

from __future__ import annotations

import base64
import contextlib
import io
import logging
import pickle
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

from synapse import BackendClient, QueryError, Retry, Session, SynapseError
from synapse.dialects import Request
from tests.contract import planted
from tests.faults.every import CALLS, Call, Keys, World
from tests.unit.session.hostile import Received, Server, Step, reply, reset

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


AWAY: Final = f"https://evil.example/a?{planted.QUERY}"
FAULTS: Final[dict[str, Step]] = {
    "rows": planted.backend,
    "echo": echo(200, "application/json"),
    "page": echo(401, "text/html"),
    "away": reply(302, headers=[("Location", AWAY)]),
    "lost": reset,
}
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

    def meet(self, outcome: Any) -> None:
        """Take in what a call returned or raised; plain values are the user's own."""
        found: dict[int, BaseException] = {}
        if isinstance(outcome, BaseException):
            chain(outcome, found)
        elif type(outcome).__module__.startswith("synapse"):
            self.texts.append(f"{outcome!r} {outcome} {getattr(outcome, '_state', None)!r}")
        else:
            return
        self.texts += map(spelled, found.values())
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


@pytest.mark.parametrize("name", CALLS)
def test_nothing_shows_a_secret(
    server: Server, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Not what it returns or raises, what led there, the variables on the way, a log, a trace, a warning, a file."""
    seen = Seen()
    for fault, step in FAULTS.items():
        server.script = [step]
        proxied = fault in THROUGH_A_PROXY
        with (
            caplog.at_level(logging.DEBUG),
            warnings.catch_warnings(record=True, action="always") as warned,
            connected(server, tmp_path, proxied=proxied) as session,
            session.trace() as calls,
        ):
            seen.meet(made(CALLS[name], world(session, tmp_path)))
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
    def failure(self, server: Server) -> SynapseError:
        """A refusal, with a token so long that it is cut off."""
        server.script = [reset]
        with Session(server.origin, api_token=API * 20, retry=Retry(total=0)) as session:
            error = made(CALLS["QuerySet.count"], world(session, Path()))
            session.close()
        return error

    def test_the_standard_library_hides_it(self, failure: SynapseError) -> None:
        """A traceback with its variables is what logs and test runners keep."""
        shown = traceback.TracebackException.from_exception(failure, capture_locals=True).format()

        assert API not in "".join(shown)

    def test_rich_hides_it(self, failure: SynapseError) -> None:
        """It cuts long texts before it prints them."""
        page = io.StringIO()
        trace = Traceback.from_exception(type(failure), failure, failure.__traceback__, show_locals=True)
        Console(file=page, width=300).print(trace)
        shown = page.getvalue()

        assert "headers" in shown
        assert API[:10] not in shown

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


class Sent:
    """A body whose reading is interrupted."""

    content_type = "image/png"
    length = 300_000

    def __init__(self, read: Callable[..., bytes]) -> None:
        self.read = read

    def open(self) -> Sent:
        """Return itself."""
        return self
