"""A real backend, a proxy that misbehaves in front of it, and files with content of their own."""

from __future__ import annotations

import os

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from synapse.sandbox import Sandbox, serve
from synapse.session import Retry, Session
from synapse.uploads import upload_in_chunks
from tests.servers import Server, Step
from tests.unit.transfer.proxy import Fault, Proxy

TOKEN = "syn_0123456789abcdef"

MakeFile = Callable[..., Path]
ThroughProxy = Callable[..., tuple[Proxy, Session]]
Scripted = Callable[..., tuple[Server, Session]]


def quick(url: str, *, token: str = TOKEN, retries: int = 3) -> Session:
    """Open a session that gives up soon."""
    retry = Retry(total=retries, backoff=0.001)
    return Session(url, api_token=token, retry=retry, timeout={"connect": 5, "read": 10})


def upload_chunked(session: Session, path: Path, **options: Any) -> str | int:
    """Upload a file in chunks and return the id of the completed upload."""
    return upload_in_chunks(session, path, register=lambda key: key, **options)


@pytest.fixture(scope="session")
def backend() -> Iterator[Sandbox]:
    """Run a real backend."""
    with serve() as sandbox:
        yield sandbox


@pytest.fixture
def session(backend: Sandbox) -> Iterator[Session]:
    """Open a session on a real backend, and make it the current one."""
    session = quick(backend.url, token=backend.api_token)
    with session:
        yield session
    session.close()


@pytest.fixture
def through_proxy(backend: Sandbox) -> Iterator[ThroughProxy]:
    """Open sessions on the real backend behind a proxy with faults, by the number of the request."""
    with ExitStack() as stack:

        def make(faults: dict[int, Fault], **options: Any) -> tuple[Proxy, Session]:
            proxy = stack.enter_context(Proxy(backend.url, faults))
            session = quick(proxy.origin, token=backend.api_token, **options)
            stack.callback(session.close)
            return proxy, session

        yield make


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    """Start a server that follows a script, and a session for it."""
    with ExitStack() as stack:

        def make(*script: Step, **options: Any) -> tuple[Server, Session]:
            server = stack.enter_context(Server(*script))
            session = quick(server.origin, **options)
            stack.callback(session.close)
            return server, session

        yield make


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Write files whose content no other test has."""

    def make(name: str = "scan.bin", *, size: int = 1000) -> Path:
        path = tmp_path / name
        path.write_bytes(os.urandom(size))
        return path

    return make
