"""Whatever a public method is given: only our own errors come out, and the backend is not asked without end.

What is wrong with the shape of a call, such as a missing or an unknown argument, stays Python's `TypeError`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hypothesis import given
from hypothesis import strategies as st

from tests.faults.every import Keys
from tests.fuzz.arguments import Arguments, arguments, targets
from tests.fuzz.budget import share
from tests.fuzz.stage import Stage

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("ignore")]

TARGETS = targets()


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand deep in an empty folder, for relative paths lead upwards as well."""
    deep = tmp_path / "a" / "b" / "c" / "d"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)


@pytest.mark.parametrize("name", TARGETS)
def test_any_arguments(stage: Stage, name: str) -> None:
    """Values of every kind, in the shape that the signature asks for."""
    target = TARGETS[name]
    bound = target.bound(stage.world("QuerySet.count", Keys()))

    @share(0.15, of=len(TARGETS))
    @given(st.data())
    def call(data: st.DataObject) -> None:
        given_: Arguments = data.draw(arguments(bound))
        stage.call(target, given_)

    call()
