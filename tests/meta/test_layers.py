"""Imports point down only, and the contracts that say so would notice if they did not."""

from __future__ import annotations

import shutil
import subprocess
import sys

from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LINTER: Final = Path(sys.executable).with_name("lint-imports")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the package and its contracts to where tests may spoil them, each for as long as it takes."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "synapse", folder / "synapse", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def broken_contracts(folder: Path) -> list[str]:
    """Return the names of the contracts that the package in a folder breaks."""
    cached = [] if folder != ROOT else ["--no-cache"]  # `make check` may be writing there
    command = [str(LINTER), "--no-logo", *cached]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return [line.removesuffix(" BROKEN") for line in done.stdout.splitlines() if line.endswith(" BROKEN")]


def test_the_package_keeps_its_layers() -> None:
    """No module imports from a layer above its own."""
    assert [] == broken_contracts(ROOT)


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("session/__init__.py", "import synapse.entities", "Imports point down only"),
        ("query/__init__.py", "import synapse.mapping", "Imports point down only"),
        ("query/__init__.py", "import requests", "query, mapping, annotations and dialects do no I/O"),
        ("reading/__init__.py", "import synapse.mapping.state", "Reading knows no entity and no object"),
        ("orm/__init__.py", "import synapse.dialects.v1", "An API generation is known to its dialect alone"),
        (
            "reading/__init__.py",
            "import synapse.dialects.v2",
            "An API generation is known to its dialect alone",
        ),
        ("dialects/v1.py", "import synapse.dialects.v2_rows", "API v1 knows nothing of v2"),
        ("dialects/v2.py", "import synapse.dialects.v1_rows", "API v2 knows nothing of v1"),
        ("sandbox/__init__.py", "import synapse.errors", "The sandbox imports nothing of ours"),
        ("entities/__init__.py", "import synapse.sandbox", "Only the command line starts the sandbox"),
        ("optional.py", "import synapse.query", "Imports point down only"),
        ("helpers.py", "import attrs", "Imports point down only"),
    ],
)
def test_a_stray_import_is_noticed(copy: Path, module: str, line: str, contract: str) -> None:
    """An import that breaks a rule breaks its contract, and so does a module that is in no layer."""
    path = copy / "synapse" / module
    before = path.read_text("utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", "utf-8")
    broken = broken_contracts(copy)
    path.unlink() if before is None else path.write_text(before, "utf-8")

    assert [contract] == broken
