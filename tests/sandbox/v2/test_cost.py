"""A list below `/v2/` costs no more statements for a full page than for a single row."""

from __future__ import annotations

import json
import subprocess
import sys

from pathlib import Path

import pytest


@pytest.mark.full
def test_statements_do_not_grow_with_the_page(tmp_path: Path) -> None:
    """The database is asked a few times, however many rows there are."""
    program = [sys.executable, "-m", "tests.sandbox.v2.count_queries", str(tmp_path)]
    counts = json.loads(subprocess.check_output(program, text=True, timeout=120))

    assert {} == {path: pair for path, pair in counts.items() if pair[1] > pair[0] or pair[0] > 3}
