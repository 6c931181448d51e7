"""The sandbox on PostgreSQL: what races on SQLite must not race there either."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse.sandbox import Sandbox, serve
from tests.sandbox.postgresql import programs, scratch_database
from tests.sandbox.test_datafiles import TestDirectUpload
from tests.sandbox.test_runs import TestRun, plugin
from tests.sandbox.test_units import TestCreate, collection, picture
from tests.sandbox.test_uploads import TestCrashes, TestRaces
from tests.sandbox.wire import Wire

__all__ = [
    "TestCrashes",
    "TestCreate",
    "TestDirectUpload",
    "TestRaces",
    "TestRun",
    "collection",
    "picture",
    "plugin",
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A seeded sandbox whose rows are in PostgreSQL."""
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: NOTHING was tried on it")
    folder = tmp_path_factory.mktemp("postgresql") / "data"
    with scratch_database(binaries) as address:
        options = {"database": address, "tenants": ("first", "second"), "seed": "demo"}
        with serve(folder, **options) as sandbox:
            yield sandbox


@pytest.fixture(scope="module")
def data_dir(served: Sandbox) -> Path:
    """The folder where the sandbox keeps its files."""
    return served.data


@pytest.fixture(scope="module")
def wire(served: Sandbox) -> Wire:
    """A client of the first workspace."""
    return Wire(served.url, served.api_token)


@pytest.fixture(scope="module")
def stranger(served: Sandbox) -> Wire:
    """A client of the second workspace."""
    return Wire(served.url, served.tenants["second"].api_token)
