"""The fixture that gives a test a backend to talk to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from . import Sandbox


@pytest.fixture(scope="session")
def synapse_sandbox() -> Iterator[Sandbox]:
    """Run one sandbox for the whole test session and hand out where it is and what opens it."""
    from . import serve

    with serve() as sandbox:
        yield sandbox
