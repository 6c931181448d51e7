"""The sandbox on PostgreSQL: what races on SQLite must not race there either."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse.sandbox import Sandbox
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


pytestmark = pytest.mark.full  # SQLite tells most of it in the quick run


@pytest.fixture(scope="module")
def served(on_postgresql: Sandbox) -> Sandbox:
    """A seeded sandbox whose rows are in PostgreSQL."""
    return on_postgresql


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
