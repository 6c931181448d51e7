"""A seeded sandbox that is put back to its first state, which costs a tenth of starting another one."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from synapse.sandbox import Sandbox, serve


class Seeded:
    """A running sandbox with the seeded workspace; `reset()` gives it back the rows and files that it began with."""

    def __init__(self, sandbox: Sandbox, kept: Path) -> None:
        self.sandbox: Final = sandbox
        self._media = sandbox.data / "media"
        self._rows = sqlite3.connect(kept / "rows.sqlite3")
        self._files = kept / "media"
        with self._live() as live:
            live.backup(self._rows)
        shutil.copytree(self._media, self._files)

    def reset(self) -> Sandbox:
        """Undo whatever was written since the start."""
        with self._live() as live:
            self._rows.backup(live)
        shutil.rmtree(self._media)
        shutil.copytree(self._files, self._media)
        return self.sandbox

    def close(self) -> None:
        """Let go of what was kept."""
        self._rows.close()

    def _live(self) -> contextlib.closing[sqlite3.Connection]:
        return contextlib.closing(sqlite3.connect(self.sandbox.data / "sandbox.sqlite3", timeout=30))


@contextlib.contextmanager
def seeded(folder: Path) -> Iterator[Seeded]:
    """Run one, and keep its first state in a folder."""
    with serve(seed="demo") as sandbox, contextlib.closing(Seeded(sandbox, folder)) as kept:
        yield kept
