"""Small files of our own beside the user's: never written, or read, through a link that someone put there."""

from __future__ import annotations

import os

from pathlib import Path
from stat import S_ISREG
from typing import Final

_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)  # a pipe under this name is not waited for
_LONGEST: Final = 64 * 1024


def open_new(path: str, flags: int) -> int:
    """Open a file that is not there yet; to be the `opener` of `open()`."""
    return os.open(path, flags | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o666)


def open_existing(path: str, flags: int) -> int:
    """Open a file that is there; to be the `opener` of `open()`."""
    return os.open(path, flags | _NO_LINK | _NO_WAIT)


def write_new(path: Path, text: str) -> None:
    """Write a file that is not there yet, else raise `FileExistsError`."""
    with open(path, "w", opener=open_new, encoding="utf-8") as file:
        file.write(text)


def read_private(path: Path) -> str:
    """Read a file; a link, or anything else that is no file of ours, is an `OSError` or a `ValueError`."""
    with open(path, "rb", opener=open_existing) as file:
        _check(os.fstat(file.fileno()))
        return file.read(_LONGEST).decode("utf-8")


def private_size(path: Path) -> int:
    """Return the size of a file; one that has another name, by which it may be someone else's, is a `ValueError`."""
    found = path.lstat()
    _check(found)
    if found.st_nlink != 1:
        raise ValueError("not a file of ours")
    return found.st_size


def _check(found: os.stat_result) -> None:
    # In a folder that all may write into, anyone can leave a file under this name.
    if not S_ISREG(found.st_mode) or (os.name == "posix" and found.st_uid != os.geteuid()):
        raise ValueError("not a file of ours")
