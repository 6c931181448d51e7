"""The session as a whole: life, threads, processes, secrets."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time

from collections.abc import Callable
from typing import Any

import pytest
import urllib3

from synapse.dialects import V1
from synapse.dialects.wire import Request
from synapse.errors import AuthenticationError, ConfigError, NotFoundError, OriginError
from synapse.session import Session, current_session
from tests.servers import Server, reply
from tests.unit.session.conftest import TOKEN

Scripted = Callable[..., tuple[Server, Session]]
GET = Request("GET", "tasks/")


class TestDialect:
    @pytest.mark.parametrize("dialect", ["v2", V1, object()], ids=["a name", "a class", "an object"])
    def test_of_another_kind_is_refused(self, dialect: Any) -> None:
        """What is no dialect is told at construction, not by the first request."""
        with pytest.raises(ConfigError, match="must be a dialect object"):
            Session("https://backend.test", api_token="t", dialect=dialect)


class TestLife:
    def test_leaves_its_block_open(self, scripted: Scripted) -> None:
        """The end of a `with` block does not close the session."""
        _, session = scripted()
        with session as entered:
            assert session is entered

        assert 200 == session.send(GET).status

    def test_is_of_no_use_once_closed(self, scripted: Scripted) -> None:
        """Every use of a closed session says that it is closed, and sends nothing; closing twice is fine."""
        server, session = scripted()
        session.close()
        session.close()
        assert repr(session).endswith(" closed>")
        uses = [
            lambda: session.send(GET),
            lambda: session.lines(GET).__enter__(),
            lambda: session.download("/x").__enter__(),
            lambda: session.map(str, [1]),
            session.__enter__,
            session.check_open,
        ]
        for use in uses:
            with pytest.raises(ConfigError, match="this session is closed: make a new one for http://127"):
                use()

        assert [] == server.received

    def test_frees_its_sockets(self, scripted: Scripted) -> None:
        """After closing, the server sees its connections end."""
        server, session = scripted()
        list(session.map(lambda _: session.send(GET), range(8)))
        session.close()
        patience = time.monotonic() + 5
        while (
            any(connection.fileno() >= 0 for connection in server.connections) and time.monotonic() < patience
        ):
            time.sleep(0.01)

        assert {-1} == {connection.fileno() for connection in server.connections}

    def test_keeps_a_connection_for_later_requests(self, scripted: Scripted) -> None:
        """Requests one after the other share a connection, refusals included."""
        server, session = scripted(reply(404, {}), reply(data={}))
        with pytest.raises(NotFoundError):
            session.send(GET)
        session.send(GET)

        assert 1 == len(server.connections)

    def test_opens_new_connections_once_reset(self, scripted: Scripted) -> None:
        """A session that was reset stays open."""
        server, session = scripted(reply(data={}), reply(data={}))
        session.send(GET)
        session.reset()
        session.send(GET)

        assert 2 == len(server.connections)

    def test_is_named_by_host_and_tenant(self) -> None:
        """`repr` names host and tenant, never a token."""
        session = Session("https://api.example.com", api_token=TOKEN, tenant="acme")

        assert "<Session https://api.example.com tenant=acme>" == repr(session)
        assert "<Session https://api.example.com>" == repr(
            Session("https://api.example.com", api_token=TOKEN)
        )

    def test_checks_links(self) -> None:
        """A link is checked before it is followed."""
        session = Session("https://api.example.com", api_token=TOKEN)
        session.check_link("https://api.example.com/tasks/?page=2")
        with pytest.raises(OriginError):
            session.check_link("https://evil.com/tasks/?page=2")


class TestThreads:
    def test_serves_32_threads(self, scripted: Scripted) -> None:
        """32 threads share a session, each getting the answers to its own requests."""
        echo = lambda connection, request: connection.sendall(reply(data=request.target))  # noqa: E731
        server, session = scripted(echo, workers=32)
        paths = [f"/tasks/{number}/" for number in range(320)]
        outcomes = session.map(lambda path: session.send(Request("GET", path)).data, paths)

        assert [(path, path, None) for path in paths] == list(outcomes)
        assert len(server.connections) <= 32

    def test_can_be_told_how_many_to_run(self, scripted: Scripted) -> None:
        """A single call may have fewer workers than the session."""
        server, session = scripted()
        list(session.map(lambda _: session.send(GET), range(5), workers=1))

        assert 1 == len(server.connections)

    @pytest.mark.parametrize("workers", [0, -1, "8", 1.5, True])
    def test_refuses_what_is_no_number_of_workers(self, scripted: Scripted, workers: Any) -> None:
        """A number of workers that makes no sense is refused before anything is called, as for the session."""
        _, session = scripted()
        with pytest.raises(ConfigError, match="workers must be a whole number, 1 or more"):
            session.map(str, [1, 2], workers=workers)
        with pytest.raises(ConfigError, match="workers must be a whole number, 1 or more"):
            Session("https://h", api_token=TOKEN, workers=workers)


class TestLog:
    def test_of_the_library_below_is_masked_too(
        self, scripted: Scripted, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither an agent's token nor a signature stands in what urllib3 logs; the rest of its line does."""
        _, session = scripted(reply(data={}))
        with caplog.at_level("DEBUG"), session.download("/a.png?sig=s3cret&page=2"):
            session.send(Request("POST", f"agents/{'f' * 40}/connect/"))

        logged = [each.getMessage() for each in caplog.records if each.name == "urllib3.connectionpool"]
        assert ["GET /a.png?*** HTTP", "POST /agents/***/connect/ HTTP"] == [
            line.split('"')[1].partition("/1")[0] for line in logged if '"' in line
        ]
        assert "s3cret" not in caplog.text

    def test_of_others_stays_as_it_is(self, scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
        """What another user of urllib3 logs is none of our business."""
        server, _ = scripted(reply(data={}))
        with caplog.at_level("DEBUG", "urllib3"), urllib3.PoolManager() as pool:
            pool.request("GET", f"{server.origin}/a?sig=other")

        assert "sig=other" in caplog.text


class TestTrace:
    def test_records_what_happens_inside(self, scripted: Scripted) -> None:
        """Every attempt inside the block is a call, from whichever thread; nothing after it is."""
        _, session = scripted(reply(503, {}, headers=[("Retry-After", "0")]), reply(data={"id": 7}))
        with session.trace() as calls, session.trace() as others:
            session.send(Request("PATCH", "tasks/7/", json={"name": "한"}))
            thread = threading.Thread(target=session.send, args=(GET,))
            thread.start()
            thread.join()
        session.send(GET)

        assert [("PATCH", 503), ("PATCH", 200), ("GET", 200)] == [
            (call.method, call.status) for call in calls
        ]
        assert [("PATCH", "/tasks/7/", {"name": "한"})] * 2 == calls.sent
        assert list(others) == list(calls)

    def test_counts_bytes(self, scripted: Scripted) -> None:
        """A call knows how many bytes of body went out and came in."""
        _, session = scripted(reply(data={"id": 7}))
        with session.trace() as calls:
            session.send(Request("POST", "tasks/", json={}))

        assert (2, 9) == (calls[0].sent, calls[0].received)

    def test_records_no_header(self, scripted: Scripted) -> None:
        """No token is in a trace, printed or not."""
        _, session = scripted()
        with session.trace() as calls:
            session.send(Request("GET", f"tasks/{TOKEN}/"))

        assert TOKEN not in f"{calls}{calls!r}{calls[0]!r}{calls[0].url}{calls[0].path}"


def _fetch(session: Session) -> None:
    sys.exit(session.send(GET).data != {"id": 7})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
class TestFork:
    @pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
    def test_goes_on_in_a_child(self, scripted: Scripted) -> None:
        """A child forked while locks are held makes connections of its own; the parent's stay usable."""
        server, session = scripted(reply(data={"id": 7}))
        session.send(GET)
        child = multiprocessing.get_context("fork").Process(target=_fetch, args=(session,))
        with session._lock, session.cache._lock, current_session.shared.lock:
            child.start()
        child.join(20)
        session.send(GET)

        assert (0, 2) == (child.exitcode, len(server.connections))


class TestCopies:
    def test_pickles_without_its_tokens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A pickle holds no token; loading looks it up again."""
        session = Session("https://api.example.com", api_token=TOKEN, tenant="acme", workers=3, cache=None)
        pickled = pickle.dumps(session)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "another")
        loaded = pickle.loads(pickled)

        assert TOKEN.encode() not in pickled
        assert ("https://api.example.com", "another", "acme", 3, None) == (
            loaded.host,
            loaded.settings.api_token,
            loaded.settings.tenant,
            loaded.workers,
            loaded.settings.cache,
        )

    def test_says_what_is_missing_when_loaded_elsewhere(self) -> None:
        """Where no token is found, loading a session says so."""
        pickled = pickle.dumps(Session("https://api.example.com", api_token=TOKEN))
        with pytest.raises(ConfigError, match="no token for https://api"):
            pickle.loads(pickled)

    def test_is_shared_by_copies(self) -> None:
        """Copies of what holds a session share the session."""
        session = Session("https://api.example.com", api_token=TOKEN)

        assert session is copy.copy(session)
        assert session is copy.deepcopy([session])[0]


class TestImport:
    def test_leaves_requests_for_the_first_request(self) -> None:
        """Making a session does not import the HTTP stack."""
        code = (
            "import sys; from synapse.session import Session; Session('https://h.example', api_token='t'); "
            "sys.exit('requests' in sys.modules or 'urllib3' in sys.modules)"
        )

        assert 0 == subprocess.run([sys.executable, "-c", code], check=False).returncode


class TestRefusedToken:
    def test_asks_whose_token_it_is(self, scripted: Scripted) -> None:
        """A sandbox that was started again refuses the token of the one before: the error names the host."""
        _, session = scripted(reply(401, {"detail": "Invalid token."}))
        with pytest.raises(AuthenticationError) as caught:
            session.send(GET)

        words = f"401 Invalid token. (is it a token of {session.host}, and still valid?)"
        assert f"GET /tasks/: {words}" == str(caught.value)
