"""What is under version control says nothing about the machine it was written on."""

from __future__ import annotations

import re
import subprocess

from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LARGEST: Final = 1024 * 1024
# Spelt in pieces, or this file would be the first to be found.
FORBIDDEN: Final = {
    "a path of one machine": r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot)/[\w.]|/ho" + r"me/\w+/",
    "a package index": r"py" + r"pi\.org|pytho" + r"nhosted\.org|registry\.np" + r"mjs\.org",
    "a private key": r"-----BEG" + r"IN [A-Z ]*PRIVATE",
    "work to be done": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b",
}


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """List the files under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("kind", FORBIDDEN)
def test_no_file_holds(tracked: list[Path], kind: str) -> None:
    """No tracked file holds what has no place in a public repository."""
    pattern = re.compile(FORBIDDEN[kind])
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}"
        for path in tracked
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]

    assert [] == found


def test_no_file_is_large(tracked: list[Path]) -> None:
    """No tracked file is larger than a mebibyte."""
    assert [] == [path for path in tracked if path.stat().st_size > LARGEST]


def test_every_package_has_a_docstring(tracked: list[Path]) -> None:
    """Every package says in its docstring what it is for."""
    packages = [path for path in tracked if path.name == "__init__.py" and "migrations" not in path.parts]
    undocumented = [path for path in packages if '"""' not in path.read_text(encoding="utf-8")]

    assert [] == undocumented


def test_every_constraint_is_one_exact_public_version() -> None:
    """`constraints.txt` pins each package to one version by name, never by address."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]

    assert [] == [line for line in pins if not re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; [\w.'!=<> ]+)?", line)]
