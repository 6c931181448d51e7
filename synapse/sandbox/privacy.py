"""Keep what a sandbox writes from the other users of this machine: its database holds every token."""

from __future__ import annotations

import os
import stat

from pathlib import Path
from typing import IO, Final

OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
DATABASE: Final = "sandbox.sqlite3"
OWN: Final = (
    *(DATABASE + suffix for suffix in ("", "-wal", "-shm", "-journal")),
    "admin.password",
    "faults.txt",
    "incoming",
    "media",
    "schema.key",
    "secret.key",
    "server.lock",
    "server.log",
)
"""What a sandbox makes in its data folder; whatever else lies there is left as it is."""


def private_folder(folder: Path) -> Path:
    """Make the data folder, and close it and what an earlier sandbox left in it to everyone else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A folder that is everybody's, such as /tmp, stays so.
    if not folder.stat().st_mode & stat.S_ISVTX:
        _close(folder.resolve())
    for name in OWN:
        path = folder / name
        if path.is_dir() and not path.is_symlink() and path.stat().st_mode & OTHERS:
            for parent, _folders, files in os.walk(path):
                for each in files:
                    _close(Path(parent, each))
                _close(Path(parent))
        _close(path)
    return folder


def open_private(path: Path) -> IO[bytes]:
    """Open a log to write at its end, and to read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+b")


def _close(path: Path) -> None:
    if path.exists() and not path.is_symlink() and (mode := path.stat().st_mode) & OTHERS:
        path.chmod(stat.S_IMODE(mode) & ~OTHERS)
