"""A folder that appears under its name only when it is whole, and file names that are safe and differ."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import unicodedata

from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from filelock import BaseFileLock, FileLock, Timeout

from synapse.downloads.file_names import LONGEST, safe_name
from synapse.errors import TransferError, describe
from synapse.values import user_path

MARKER: Final = ".synapse-export"
LOCK: Final = ".synapse-lock"
_LONGEST_STEM: Final = 150  # bytes, so that a key and an ending find room


class UniqueNames:
    """Gives each file a safe name whose stem no other one has, on systems that ignore case as well."""

    def __init__(self) -> None:
        # Hashes instead of texts: there may be millions.
        self._taken = _Numbers()

    def give(self, name: str, key: object) -> str:
        """Give the name of a file; where its stem is taken, the *key* is added.

        >>> names = UniqueNames()
        >>> names.give("../a.png", 7), names.give("A.jpg", 8)
        ('a.png', 'A_8.jpg')
        """
        safe = safe_name(name)
        head, dot, ending = safe.rpartition(".") if "." in safe else (safe, "", "")
        if len(head) * 4 > _LONGEST_STEM:
            head = head.encode()[:_LONGEST_STEM].decode(errors="ignore")
        stem = head.rstrip(". ") or "file"
        marked, number = stem, 1
        while not self._take(marked):
            marked = f"{stem}_{key}" if number == 1 else f"{stem}_{key}_{number}"
            number += 1
        return f"{marked}{dot}{ending}"

    def _take(self, stem: str) -> bool:
        folded = stem.lower() if stem.isascii() else unicodedata.normalize("NFC", stem).casefold()
        return self._taken.add(hash(folded))


class _Numbers:
    """A set of 64-bit numbers in 12 to 24 bytes each: a set of Python's takes 90, and twice that as it grows."""

    def __init__(self) -> None:
        self._slots = array("q", bytes(8 * 1024))
        self._count = 0

    def add(self, number: int) -> bool:
        """Add a number; False where it was there."""
        number = number or 1  # 0 is an empty slot
        place = self._find(number)
        if self._slots[place]:
            return False
        self._slots[place] = number
        self._count += 1
        if 3 * self._count > 2 * len(self._slots):
            self._grow()
        return True

    def _find(self, number: int) -> int:
        slots, last = self._slots, len(self._slots) - 1
        place = number & last
        while slots[place] and slots[place] != number:
            place = (place + 1) & last
        return place

    def _grow(self) -> None:
        before, self._slots = self._slots, array("q", bytes(16 * len(self._slots)))
        for number in before:
            if number:
                self._slots[self._find(number)] = number


def stem_of(name: str) -> str:
    """Give a name without its ending."""
    return name.rpartition(".")[0] or name


class Draft:
    """The folder in which the files are written, beside the one that they are for."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open = contextlib.ExitStack()

    def path(self, name: str) -> Path:
        """Give the path of a file, whose folder is made."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def open(self, name: str) -> BinaryIO:
        """Open a file to write and read; it is closed with the draft."""
        return self._open.enter_context(self.path(name).open("w+b"))

    def write(self, name: str, content: bytes) -> None:
        """Write a whole file."""
        self.path(name).write_bytes(content)

    def close(self) -> None:
        """Close what is open."""
        self._open.close()


def checked_target(folder: object, *, overwrite: bool) -> Path:
    """Give the path of a folder that may be written; refuse one that holds something else than an export."""
    if not isinstance(folder, str | os.PathLike) or not os.fspath(folder):
        raise TransferError(f"export() writes a folder, given by its path, not to {describe(folder)}")
    try:
        path = user_path(os.fsdecode(folder)).resolve()
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return path
        is_export = (path / MARKER).is_file()
    except (OSError, ValueError) as error:
        raise TransferError(f"{str(folder)!r} cannot be a folder of an export ({error})") from error
    if not is_export:
        raise TransferError(
            f"{str(path)!r} exists and is no export: choose another folder. Nothing was written"
        )
    if not overwrite:
        raise TransferError(
            f"{str(path)!r} holds an export: choose another folder, or pass overwrite=True. Nothing was written"
        )
    return path


@contextlib.contextmanager
def drafted(target: Path) -> Iterator[Draft]:
    """Give a draft, which takes the place of *target* when the block ends well, and is removed when it doesn't.

    What a killed run has left beside the target is cleared first.
    """
    root, old = (_beside(target, kind) for kind in ("partial", "old"))
    try:
        with _locked(root, target) as lock:
            _clear(root, old, target)
            draft = Draft(root)
            try:
                yield draft
                draft.close()
                if os.name == "nt":
                    lock.release()  # a folder with an open file can't be renamed there
                _put_in_place(root, old, target)
            finally:
                draft.close()
                shutil.rmtree(root, ignore_errors=True)
                _restore(old, target)
    except OSError as error:
        raise TransferError(f"{str(target)!r} cannot be written ({error.strerror or error})") from error


def _beside(target: Path, kind: str) -> Path:
    name = f".{target.name}.{kind}"
    if len(name.encode()) > LONGEST:
        name = f".{hashlib.sha256(target.name.encode()).hexdigest()[:32]}.{kind}"
    return target.with_name(name)


@contextlib.contextmanager
def _locked(root: Path, target: Path) -> Iterator[BaseFileLock]:
    """Make the folder of a draft and lock it, for as long as this process lives at most."""
    root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(root / LOCK, timeout=0)
    try:
        with contextlib.suppress(NotImplementedError):  # a file system without locks
            lock.acquire()
    except Timeout:
        raise TransferError(
            f"another export into {str(target)!r} is under way: wait for it, or choose another folder. Nothing "
            "was written"
        ) from None
    try:
        yield lock
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            (target / LOCK).unlink(missing_ok=True)


def _clear(root: Path, old: Path, target: Path) -> None:
    """Remove what a killed run has left; the export that it was about to replace comes back."""
    for path in root.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name != LOCK:
            path.unlink()
    _restore(old, target)


def _restore(old: Path, target: Path) -> None:
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _put_in_place(root: Path, old: Path, target: Path) -> None:
    if target.exists():
        target.rename(old)
    # With the lock in it, so that no other run can take the folder for one that was left behind.
    root.rename(target)
