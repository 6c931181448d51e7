"""A hostile server, sessions that are quick to give up, and an environment that says nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import trustme

from synapse.session import Retry, Session, set_default, set_factory
from tests.servers import Server, Step, reply, tls

TOKEN = "syn_0123456789abcdef"

Serve = Callable[..., Server]
Connect = Callable[..., Session]


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Start with no settings but the test's own, and leave no session behind."""
    for name in ("HOST", "API_TOKEN", "ACCESS_TOKEN", "AGENT_TOKEN", "TENANT", "PROFILE"):
        monkeypatch.delenv(f"SYNAPSE_{name}", raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield
    set_default(None)
    set_factory(None)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start servers that follow a script."""
    with ExitStack() as stack:
        yield lambda *script: stack.enter_context(Server(*script))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate for this machine, with its key and the authority that vouches for it in the same file."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    path.write_bytes(issued.private_key_and_cert_chain_pem.bytes() + authority.cert_pem.bytes())
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[tuple[Server, str]]:
    """Start a server that speaks TLS, and return it with its certificate."""
    with Server(reply(data={"id": 7}), secure=tls(certificate)) as server:
        yield server, str(certificate)


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open sessions with short limits."""
    with ExitStack() as stack:

        def make(server: Server | str, **options: Any) -> Session:
            host = server if isinstance(server, str) else server.origin
            quick = {"timeout": {"connect": 2, "read": 2}, "retry": Retry(total=3, backoff=0.001)}
            session = Session(host, **{"api_token": TOKEN, **quick, **options})
            stack.callback(session.close)
            return session

        yield make


@pytest.fixture
def scripted(serve: Serve, connect: Connect) -> Callable[..., tuple[Server, Session]]:
    """Start a server with a script, and a session for it."""

    def make(*script: Step, **options: Any) -> tuple[Server, Session]:
        server = serve(*script)
        return server, connect(server, **options)

    return make
