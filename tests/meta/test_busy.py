"""`make test-busy` tells which run failed, and by what."""

from __future__ import annotations

import sys

import pytest

from tools import busy

FAILING = """
print("FAILED tests/test_a.py::test_b - assert 1 == 2")
print("==== 1 failed, 7 passed, 2 warnings in 3.21s ====")
raise SystemExit(1)
"""


def run(code: str, *, runs: int = 1) -> int:
    """Run some code in place of the tests, with no hogs beside it."""
    return busy.main([f"--runs={runs}", "--hogs=0", "--", sys.executable, "-c", code])


def test_a_run_that_succeeds_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """With what pytest counted, and the seconds."""
    assert 0 == run("print('===== 8 passed, 1 skipped in 61.20s (0:01:01) =====')")

    assert "run 1: exit code 0, 8 passed, 1 skipped, 0 s\n" == capsys.readouterr().out


def test_names_what_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """Below the line of its run; the runs behind it go on."""
    assert 1 == run(FAILING, runs=2)

    told = capsys.readouterr().out.splitlines()
    assert ["    FAILED tests/test_a.py::test_b - assert 1 == 2"] * 2 == told[1::2]
    assert told[2].startswith("run 2: exit code 1, 1 failed, 7 passed, 2 warnings, ")


def test_shows_the_end_of_what_was_said_where_no_test_failed(capsys: pytest.CaptureFixture[str]) -> None:
    """The checks beside the tests may have failed instead."""
    assert 1 == run("raise SystemExit('make check failed: see above')")

    assert "    make check failed: see above" in capsys.readouterr().out
