"""Leave the engine as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from synapse.reading import read_ahead


@pytest.fixture(scope="module", autouse=True)
def near() -> Iterator[None]:
    """Examples choose from how far answers come: put back what counts as near."""
    usual = read_ahead.NEAR
    yield
    read_ahead.NEAR = usual
