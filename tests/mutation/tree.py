"""A copy of the tree, in which one mutation at a time is made and the test of its promise is run."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import time

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.mutation.promises import ROOT
from tests.mutation.table import Mutation

LEFT_OUT: Final = (".git", ".venv*", ".cache", ".hypothesis", "build", "dist")
FOREIGN: Final = ("COV", "PYTEST", "SYNAPSE")
"""How settings of the run begins that this is a part of: its coverage, and that it tries every combination."""
SECONDS: Final = 120
KILLED: Final = 1
"""What pytest ends with when a test failed; anything else but 0 means that it could not be run."""


class MutationError(Exception):
    """A mutation cannot be made, or its test not be run."""


def sources(root: Path) -> list[Path]:
    """List what can be mutated: the package, and how it is built."""
    return [*sorted((root / "synapse").rglob("*.py")), root / "pyproject.toml"]


def place_of(mutation: Mutation, root: Path = ROOT) -> Path:
    """Find the one file that has the text of a mutation, wherever it has moved."""
    found = [path for path in sources(root) if mutation.old in path.read_text(encoding="utf-8")]
    times = sum(path.read_text(encoding="utf-8").count(mutation.old) for path in found)
    if times != 1:
        places = ", ".join(str(path.relative_to(root)) for path in found)
        raise MutationError(
            f"the text {mutation.old!r} is there {times} times ({places or 'nowhere'}): mend tests/mutation/table.py"
        )
    return found[0]


class Tree:
    """The copy."""

    def __init__(self, root: Path) -> None:
        self.root: Final = root
        self._moments = itertools.count(time.time_ns() + 10**10, 10**10)

    @classmethod
    def copy(cls, folder: Path) -> Tree:
        """Copy what the tests need, with what Python has compiled of it."""
        root = folder / "tree"
        shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT))
        # Tests of the wheel ask git which files there are.
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
        return cls(root)

    @contextmanager
    def mutated(self, mutation: Mutation) -> Iterator[None]:
        """Make a mutation for as long as the block lasts."""
        path = place_of(mutation, self.root)
        text = path.read_text(encoding="utf-8")
        self._write(path, text.replace(mutation.old, mutation.new))
        try:
            yield
        finally:
            self._write(path, text)

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        # Python tells by size and second whether what it has compiled is still true.
        moment = next(self._moments)
        os.utime(path, ns=(moment, moment))

    def passes(self, test: str) -> bool:
        """Run a test, up to its first failure."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environment |= {"PYTHONPATH": str(self.root)}
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", test]
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                env=environment,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise MutationError(f"{test} does not end") from None
        if done.returncode not in (0, KILLED):
            raise MutationError(
                f"{test} could not be run ({done.returncode}):\n{done.stdout[-2_000:]}{done.stderr[-500:]}"
            )
        return done.returncode == 0

    def kills(self, mutation: Mutation) -> bool:
        """Tell whether the test of a mutation's promise fails with it."""
        with self.mutated(mutation):
            return not self.passes(mutation.address)
