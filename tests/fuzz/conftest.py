"""One stage for all properties, and nobody's own settings on it."""

from __future__ import annotations

import contextlib
import os

from collections.abc import Iterator
from typing import Final

import pytest

from tests.amounts import part
from tests.fuzz.stage import PLAYED, Stage, staged

# Chosen before the settings of the environment are forgotten, which say how much a run tries. The first one tells
# whether a session works.
NAMES: Final = tuple(dict.fromkeys(["QuerySet.count", *part(PLAYED, 1)]))


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Record the calls of this run once, and play them again from then on."""
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            forget_settings(patch)
            stage = stack.enter_context(staged(tmp_path_factory.mktemp("stage"), NAMES))
        yield stage


@pytest.fixture(scope="module", autouse=True)
def only_given_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep settings and profile of whoever runs the tests out of them: for a module, since Hypothesis asks for that."""
    with pytest.MonkeyPatch.context() as patch:
        forget_settings(patch)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        yield


def forget_settings(patch: pytest.MonkeyPatch) -> None:
    """Remove what the environment says to the SDK."""
    for name in [name for name in os.environ if name.startswith("SYNAPSE_")]:
        patch.delenv(name)
