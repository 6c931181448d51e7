"""One stage for all properties, and nobody's own settings on it."""

from __future__ import annotations

import os

from collections.abc import Iterator

import pytest

from tests.fuzz.stage import Stage, staged


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Record every call once, and play it again from then on."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("SYNAPSE_")]:
            patch.delenv(name)
        with staged(tmp_path_factory.mktemp("stage")) as made:
            patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
            yield made
