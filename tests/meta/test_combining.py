"""Fewer combinations of parameters in the quick run, and no pair of values lost."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys

from pathlib import Path
from typing import Any, Final

import pytest

from hypothesis import given
from hypothesis import strategies as st

from tests.amounts import VARIABLE
from tests.combining import pairwise

ROOT: Final = Path(__file__).resolve().parents[2]


def pairs(rows: list[tuple[Any, ...]]) -> set[tuple[tuple[int, Any], ...]]:
    """Every two values that meet in a row, each with the number of its parameter."""
    return {pair for row in rows for pair in itertools.combinations(enumerate(row), 2)}


@given(st.lists(st.integers(1, 6), min_size=2, max_size=5))
def test_every_pair_is_there(sizes: list[int]) -> None:
    """What the whole product holds of pairs, the rows hold."""
    parameters = [[f"{number}:{value}" for value in range(size)] for number, size in enumerate(sizes)]

    assert pairs(list(itertools.product(*parameters))) == pairs(pairwise(*parameters))


@pytest.mark.parametrize(
    ("sizes", "rows"), [((30, 24), 720), ((30, 24, 2, 2, 3), 720), ((5, 4, 3), 20), ((3,), 3)]
)
def test_rows_are_few(sizes: tuple[int, ...], rows: int) -> None:
    """The two longest parameters say how many there are."""
    assert rows == len(pairwise(*map(range, sizes)))


@pytest.mark.combinations("first, second, third", "ab", "cd", "ef")
def test_marked(first: str, second: str, third: str) -> None:
    """A test with the mark gets one value of each parameter."""
    assert (first in "ab", second in "cd", third in "ef") == (True, True, True)


@pytest.mark.parametrize(("options", "count"), [([], 4), (["--full"], 8)])
def test_full_runs_what_the_quick_run_leaves_out(options: list[str], count: int) -> None:
    """`pytest --full` takes the whole product."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--collect-only",
        "-q",
        "-n0",
        *options,
        f"{__file__}::test_marked",
    ]
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    listed = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    ).stdout

    assert count == listed.count("::test_marked[")
