"""Errors and objects in a real IPython."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from pathlib import Path

import pytest

CELLS = """\
from synapse import *; from synapse.testing import canned
session = canned({"GET tasks/7/": lambda request: errors.NotFoundError("no such task", status_code=404)})
_ = session.__enter__()
Task.objects.filter(projct=1)
%tb
Task.objects.get(7)
Task(projct=1)
raise errors.ValidationError("first\\nsecond")
Task.ref(5)
_ = get_ipython().complete("Task.ref(5).da")
Task.ref(5).nmae
len(session.requests)
1/0
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[str]]:
    """What each cell showed, by its number."""
    command = [
        sys.executable,
        "-m",
        "IPython",
        "--simple-prompt",
        "--no-banner",
        "--colors=NoColor",
        "--quick",
    ]
    told = subprocess.run(
        [*command, "--HistoryManager.enabled=False"],
        input=CELLS,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "IPYTHONDIR": str(tmp_path_factory.mktemp("ipython"))},
        cwd=Path(__file__).parents[2],
    )
    parts = re.split(r"In \[(\d+)\]: ", told.stdout)
    said = {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}
    return {number: text.strip().splitlines() for number, text in said.items()}


def test_an_error_is_one_line(shown: dict[int, list[str]]) -> None:
    """It says what is wrong, from which line it came, and how to see the rest."""
    [line] = shown[4]

    assert line.startswith("QueryError: Task has no lookup 'projct' (did you mean 'project'?).")
    assert line.endswith("(line 1; %tb shows the rest)")


def test_the_rest_is_shown_on_demand(shown: dict[int, list[str]]) -> None:
    """`%tb` has every frame."""
    assert "Traceback (most recent call last):" == shown[5][0]
    assert "synapse.errors.QueryError" == shown[5][-1].partition(":")[0]


def test_an_error_with_a_cause_is_one_line(shown: dict[int, list[str]]) -> None:
    """So is one of an entity, by its name."""
    assert [True] == [line.startswith("Task.DoesNotExist: Task 7 does not exist") for line in shown[6]]


def test_an_unknown_name_is_one_line(shown: dict[int, list[str]]) -> None:
    """As an argument and as an attribute."""
    assert ["FieldError", "FieldError"] == [line.partition(":")[0] for line in (*shown[7], *shown[11])]


def test_lines_of_a_message_are_joined(shown: dict[int, list[str]]) -> None:
    """However the backend broke them."""
    assert ["ValidationError: first second (line 1; %tb shows the rest)"] == shown[8]


def test_display_and_completion_send_nothing(shown: dict[int, list[str]]) -> None:
    """Only the request for the missing task was sent."""
    assert (["Out[9]: <Task 5>"], ["Out[12]: 1"]) == (shown[9], shown[12])


def test_other_errors_are_shown_as_ever(shown: dict[int, list[str]]) -> None:
    """Nothing is changed in IPython."""
    assert "ZeroDivisionError: division by zero" == shown[13][-1]
    assert 3 < len(shown[13])
