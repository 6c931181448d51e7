"""Files that scripts give as paths or as open handles."""

from __future__ import annotations

import os
import shutil
import tempfile

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from synapse.errors import TransferError, describe
from synapse.transfer.local_file import PathLike


class Handle(Protocol):
    """A file that is open for reading bytes."""

    def read(self, size: int = ..., /) -> bytes:
        """Return the next bytes."""
        ...


@contextmanager
def on_disk(given: object, *, suffix: str = "") -> Iterator[PathLike]:
    """Give the path of a file; what is open and lies nowhere on disk as it is read is written to a temporary one."""
    if isinstance(given, str | os.PathLike):
        yield given
        return
    if not callable(getattr(given, "read", None)):
        raise TransferError(
            f"file must be a path or a file that is open for reading bytes, got {describe(given)}"
        )
    path = _place(given)
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="synapse-") as folder:
        name = Path(str(getattr(given, "name", "") or "file")).name
        target = Path(folder) / (name if Path(name).suffix else f"{name}{suffix}")
        _write(given, target)
        yield target


def _place(handle: Any) -> Path | None:
    """Return where an open file lies, if reading it from its start gives what the handle gives."""
    try:
        path = Path(handle.name)
        same = os.path.samestat(path.stat(), os.fstat(handle.fileno()))
        return path if same and handle.tell() == 0 and not handle.writable() else None
    except (AttributeError, TypeError, OSError, ValueError):
        return None


def _write(handle: Any, target: Path) -> None:
    with target.open("wb") as copy:
        try:
            shutil.copyfileobj(handle, copy)
        except TypeError:
            raise TransferError("the file is open as text: open it with mode 'rb'") from None
