"""One sandbox with two workspaces, for every test of the wire."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse.sandbox import Sandbox, serve
from tests.sandbox.postgresql import programs, scratch_database
from tests.sandbox.wire import Wire
from tests.sandbox.world import World, make_world


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox whose data folder can be looked into."""
    with serve(tmp_path_factory.mktemp("served") / "data", tenants=("first", "second")) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def fronted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A seeded sandbox that a server in front answers for, under names of its own."""
    names = ["front.example", ".inside.example"]
    with serve(tmp_path_factory.mktemp("fronted") / "data", seed="demo", allow_hosts=names) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def on_postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A seeded sandbox with the same workspaces, whose rows are in PostgreSQL."""
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: NOTHING was tried on it")
    folder = tmp_path_factory.mktemp("postgresql") / "data"
    with (
        scratch_database(binaries) as address,
        serve(folder, database=address, tenants=("first", "second"), seed="demo") as sandbox,
    ):
        yield sandbox


@pytest.fixture(scope="session")
def data_dir(served: Sandbox) -> Path:
    """The folder where the sandbox keeps everything."""
    return served.data


@pytest.fixture(scope="session")
def wire(served: Sandbox) -> Wire:
    """A client of the first workspace."""
    return Wire(served.url, served.api_token)


@pytest.fixture(scope="session")
def stranger(served: Sandbox) -> Wire:
    """A client of another workspace of the same sandbox."""
    return Wire(served.url, served.tenants["second"].api_token)


@pytest.fixture(scope="module")
def world(wire: Wire) -> World:
    """Twelve tasks with their units, for the tests of one module."""
    return make_world(wire)
