"""Leave the engine as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from synapse.orm import ahead


@pytest.fixture(scope="module", autouse=True)
def near() -> Iterator[None]:
    """Examples choose from how far answers come: put back what counts as near."""
    usual = ahead.NEAR
    yield
    ahead.NEAR = usual
