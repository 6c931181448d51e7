"""Every script in `examples/` runs on a seeded backend, and does what it says."""

from __future__ import annotations

import os
import subprocess
import sys

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.amounts import part
from tests.seeded import Seeded

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
LONGEST = 40

Run = Callable[..., str]

SAYS = {
    "bulk_update": [
        "would update 12 of 12 Task",
        "and again: updated 0 of 12 Task",
        "미나",
        "deleted 3 of 3 TaskTag",
    ],
    "download_files": [
        "downloaded          24",
        "1 fetched again, 23 were there",
        "12 pictures in pictures/image_1",
        "begins with b'\\x89PNG",
    ],
    "errors": [
        "not there: 404",
        "refused: {'title'",
        "did you mean 'completed'",
        "no file:",
        "you: 401",
        "nobody there:",
    ],
    "first_steps": [
        "Street signs: 12 tasks",
        "9 units of image_1, data_meta_1",
        "sign-detector: 1.0.0, 1.1.0",
    ],
    "freeze_ground_truth": [
        "1.0 holds 6 of 6 annotations",
        "5 left in the dataset, 6 in the version",
        "935 bytes",
    ],
    "query_tasks": ["12 tasks, 2 completed", "and units: 3 requests", "did you mean 'project'"],
    "train_classifier": ["60 pictures", "of 15 told right"],
}


@pytest.fixture
def run(seeded_sandbox: Seeded, tmp_path: Path) -> Run:
    """Run a script on a fresh seeded backend and return what it says."""
    sandbox = seeded_sandbox.reset()
    settings = {
        "SYNAPSE_HOST": sandbox.url,
        "SYNAPSE_API_TOKEN": sandbox.api_token,
        "HOME": str(tmp_path),
    }
    environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}

    def call(script: Path) -> str:
        command = [sys.executable, "-W", "error", str(script)]
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=environment,
            cwd=tmp_path,
            timeout=60,
        )
        assert (0, "") == (ended.returncode, ended.stderr)
        return ended.stdout

    return call


@pytest.mark.parametrize("script", part(SCRIPTS, 0, of=2), ids=lambda path: path.stem)
def test_script_runs(run: Run, script: Path) -> None:
    """The script ends without error or warning and says what it did."""
    said = run(script)

    assert [] == [words for words in SAYS[script.stem] if words not in said], said


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_script_is_short(script: Path) -> None:
    """An example can be read at a glance."""
    assert LONGEST >= len(script.read_text(encoding="utf-8").splitlines())


def test_every_script_is_listed() -> None:
    """The README of the examples names every script."""
    listed = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")

    assert [] == [script.name for script in SCRIPTS if f"`{script.name}" not in listed]
