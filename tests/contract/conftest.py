"""One sandbox for every contract test, a session that is current in each of them, and rows to work on."""

from __future__ import annotations

import os

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import BackendClient, Session
from synapse.sandbox import Sandbox, serve
from tests.contract.factory import Factory

TENANTS = ("demo", "contract", "stranger", "equivalence")


@pytest.fixture(scope="session")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a home without a profile file."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def only_given_settings(box: Sandbox, empty_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the environment and the profile file of whoever runs the tests out of them.

    The sandbox starts first: its cache lies in the real home.
    """
    for name in [name for name in os.environ if name.startswith("SYNAPSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(empty_home))


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """The running sandbox: `demo` is the seeded workspace, the others start without content."""
    with serve(seed="demo", tenants=TENANTS) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def tables(box: Sandbox) -> Iterator[Any]:
    """The Django models of the sandbox, on its own database: what is really stored."""
    from synapse.sandbox.backend import configure

    configure(box.data)
    from django.db import connections

    from synapse.sandbox.backend import models

    yield models
    connections.close_all()


def connected(box: Sandbox, tenant: str, **settings: Any) -> Session:
    """Open a session to one workspace; an agent's token is sent along as well."""
    access = box.tenants[tenant]
    return Session(box.url, api_token=access.api_token, agent_token=access.agent_token, **settings)


@pytest.fixture
def session(box: Sandbox) -> Iterator[Session]:
    """A session of the workspace `contract`, current during the test; its relation cache is empty."""
    made = connected(box, "contract")
    with made:
        yield made
    made.close()


@pytest.fixture
def client(box: Sandbox, tmp_path: Path) -> Iterator[BackendClient]:
    """A flat client of the workspace `contract`; what it fetches lies in the test's folder."""
    token = box.tenants["contract"].api_token
    with BackendClient(box.url, token, files_dir=tmp_path / "fetched") as made:
        yield made
    made.session.close()


@pytest.fixture
def demo(box: Sandbox) -> Iterator[Session]:
    """A session of the seeded workspace, which is not current; leave its rows as they are."""
    made = connected(box, "demo")
    yield made
    made.close()


@pytest.fixture
def demo_client(box: Sandbox, tmp_path: Path) -> Iterator[BackendClient]:
    """A flat client of the seeded workspace; leave its rows as they are."""
    with BackendClient(box.url, box.tenants["demo"].api_token, files_dir=tmp_path / "fetched") as made:
        yield made
    made.session.close()


@pytest.fixture
def stranger(box: Sandbox) -> Iterator[Session]:
    """A session of another workspace, which is not current."""
    made = connected(box, "stranger")
    yield made
    made.close()


@pytest.fixture
def make(tables: Any) -> Factory:
    """Rows of the workspace `contract`, written straight into the sandbox's database: no request is made."""
    return Factory(tables, tables.Tenant.objects.get(code="contract"))
