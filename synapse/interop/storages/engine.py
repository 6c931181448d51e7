"""What file systems of all kinds are driven by: look, list, read, write, delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

import attrs

WINDOW: Final = 256 * 1024 * 1024
"""Bytes that one request reads at most: credentials count when it begins, so those of the next may be others."""
BLOCK: Final = 1024 * 1024
Block: TypeAlias = Any
"""Bytes, or what gives them without a copy: it has a length, and a buffer."""


@attrs.frozen
class Entry:
    """A file or a folder; `version` changes with the content, as far as the storage tells."""

    key: str
    is_folder: bool = False
    size: int = 0
    modified: datetime | None = None
    version: str = ""

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]


class Engine(Protocol):
    """One open storage, by keys below its root; errors are those of whatever drives it.

    Where there is nothing, that is a `FileNotFoundError`; a file where a folder is wanted is a `NotADirectoryError`.
    """

    def look(self, key: str) -> Entry:
        """Tell of a file or a folder."""
        ...

    def list(self, key: str) -> list[Entry]:
        """Give what lies in a folder."""
        ...

    def first(self) -> str | None:
        """Give one key, or None where there is none."""
        ...

    def read(self, entry: Entry, *, start: int, stop: int) -> Iterator[Block]:
        """Yield the bytes from *start* to *stop*, if they are still those of the *entry*."""
        ...

    def head(self, key: str, size: int) -> tuple[Entry, bytes]:
        """Tell of a file, and give its first bytes."""
        ...

    def write(self, key: str) -> AbstractContextManager[Any]:
        """Open a file to write to; it is there when the block ends well, and not before."""
        ...

    def copy(self, key: str, to: str) -> bool:
        """Copy a file where the storage can do so by itself; whether it could."""
        ...

    def delete(self, entry: Entry) -> None:
        """Delete a file, or an empty folder."""
        ...

    def make_folder(self, key: str) -> None:
        """Make a folder, where there are such things."""
        ...


class ChangedError(Exception):
    """The file is not the one any more that was looked at."""
