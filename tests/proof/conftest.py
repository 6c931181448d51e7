"""Leave the engine as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from synapse.reading import route


@pytest.fixture(scope="module", autouse=True)
def near() -> Iterator[None]:
    """Examples choose from how far answers come: put back what counts as near."""
    usual = route.NEAR
    yield
    route.NEAR = usual
