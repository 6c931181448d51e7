"""One sandbox for every contract test, a session that is current in each of them, and rows to work on."""

from __future__ import annotations

import os

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from synapse import BackendClient, Session
from synapse.dialects import DEFAULT, V1, V2, Dialect
from synapse.sandbox import Sandbox, serve
from tests.contract.factory import Factory
from tests.contract.toy import Toy
from tests.contract.toy_backend import toy_server
from tests.objectstore import object_store

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
def signing() -> Iterator[Sandbox]:
    """A sandbox whose files lie in an S3 service, and that signs addresses of it."""
    with object_store() as store, serve(object_storage=store) as sandbox:
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


@attrs.frozen
class Api:
    """An API generation: the dialect that sessions speak, and the address that answers it."""

    dialect: Dialect
    url: str


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of `@pytest.mark.every_api` through each API generation; another one is another value here."""
    for mark in metafunc.definition.iter_markers("every_api"):
        rest = [name for name in ("v2", "toy") if name not in mark.kwargs.get("but", ())]
        marks = [pytest.mark.full] if mark.kwargs.get("full") else []
        metafunc.parametrize(
            "api", ["v1", *(pytest.param(name, marks=marks) for name in rest)], indirect=True
        )


@pytest.fixture(scope="session")
def toy_url(box: Sandbox) -> Iterator[str]:
    """Where the sandbox answers the toy API."""
    with toy_server(box.url) as server:
        yield server.url


@pytest.fixture
def api(request: pytest.FixtureRequest, box: Sandbox) -> Api:
    """The API generation that the test goes through: v1, unless it goes through every one."""
    name = getattr(request, "param", "v1")
    if name == "toy":
        return Api(Toy(), request.getfixturevalue("toy_url"))
    return Api(V2() if name == "v2" else V1(), box.url)


def connected(box: Sandbox, tenant: str, *, api: Api | None = None, **settings: Any) -> Session:
    """Open a session to one workspace; an agent's token is sent along as well."""
    access, api = box.tenants[tenant], api or Api(DEFAULT, box.url)
    tokens = {"api_token": access.api_token, "agent_token": access.agent_token}
    return Session(api.url, dialect=api.dialect, **tokens, **settings)


@pytest.fixture
def session(box: Sandbox, api: Api) -> Iterator[Session]:
    """A session of the workspace `contract`, current during the test; its relation cache is empty."""
    made = connected(box, "contract", api=api)
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
def demo(box: Sandbox, api: Api) -> Iterator[Session]:
    """A session of the seeded workspace, which is not current; leave its rows as they are."""
    made = connected(box, "demo", api=api)
    yield made
    made.close()


@pytest.fixture
def demo_client(box: Sandbox, tmp_path: Path) -> Iterator[BackendClient]:
    """A flat client of the seeded workspace; leave its rows as they are."""
    with BackendClient(box.url, box.tenants["demo"].api_token, files_dir=tmp_path / "fetched") as made:
        yield made
    made.session.close()


@pytest.fixture
def stranger(box: Sandbox, api: Api) -> Iterator[Session]:
    """A session of another workspace, which is not current."""
    made = connected(box, "stranger", api=api)
    yield made
    made.close()


@pytest.fixture
def make(tables: Any) -> Factory:
    """Rows of the workspace `contract`, written straight into the sandbox's database: no request is made."""
    return Factory(tables, tables.Tenant.objects.get(code="contract"))
