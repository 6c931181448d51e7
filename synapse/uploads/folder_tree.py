"""Folders of this machine, and of other file systems, listed alike."""

from __future__ import annotations

import os

from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import TypeAlias

from synapse.errors import TransferError
from synapse.transfer.local_file import RemotePath

Folder: TypeAlias = Path | RemotePath


def entries(folder: Folder) -> Iterator[tuple[str, bool]]:
    """Give the name of everything in a folder, and whether that is a folder; a `TransferError` says why not."""
    if isinstance(folder, RemotePath):
        yield from folder.entries()
        return
    try:
        # Unlike Path.iterdir(), scandir tells folders from files without a call for each.
        with os.scandir(folder) as found:
            for entry in found:
                yield entry.name, _is_folder(entry)
    except OSError as error:
        raise TransferError(_unreadable(folder, error)) from error


def walk(folder: Folder) -> Iterator[tuple[str, list[str]]]:
    """Give the path of each folder below, and the names of the folders in it; those taken off the list are left out.

    Links are not followed, and what cannot be read is passed over.
    """
    if not isinstance(folder, RemotePath):
        for path, folders, _ in os.walk(folder):
            below = Path(path).relative_to(folder).as_posix()
            yield "" if below == "." else below, folders
        return
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            names = [name for name, inner in entries(folder / below if below else folder) if inner]
        except TransferError:
            continue
        yield below, names
        waiting += [f"{below}/{name}" if below else name for name in reversed(names)]


def identity(folder: Folder) -> Hashable:
    """Tell a folder from any other, whatever path it was found by; a `TransferError` if it cannot be read."""
    if isinstance(folder, RemotePath):
        return str(folder)  # other file systems lead into no folder by a link
    try:
        found = folder.stat()
    except OSError as error:
        raise TransferError(_unreadable(folder, error)) from error
    return found.st_dev, found.st_ino


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself; looking at it as a file tells what is wrong
        return False


def _unreadable(root: Path, error: OSError) -> str:
    """Say why a folder cannot be read."""
    if isinstance(error, FileNotFoundError):
        return f"there is no folder {str(root)!r} (looked in {Path.cwd()})"
    if isinstance(error, NotADirectoryError):
        return (
            f"{str(root)!r} is one file, not a folder or an iterable of items such as "
            f"sorted(Path('photos').glob('*.png')): use collection.add({str(root)!r}), or give it in a list"
        )
    return f"the folder {str(root)!r} cannot be read ({error.strerror})"
