"""A folder that appears under its name only when it is whole, and file names that are safe and differ."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import unicodedata

from collections.abc import Iterator
from itertools import chain, count
from pathlib import Path
from typing import Any, BinaryIO, Final

from synapse.downloads.file_names import safe_name
from synapse.errors import TransferError, describe
from synapse.values import user_path

MARKER: Final = ".synapse-export"
# Made once: `json.dumps()` makes one for each call that is not as usual.
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_LONGEST_STEM: Final = 150  # bytes, so that a key and an ending find room


class UniqueNames:
    """Gives each file a safe name whose stem no other one has, on systems that ignore case as well."""

    def __init__(self) -> None:
        # Hashes instead of texts: there may be millions.
        self._taken: set[int] = set()

    def give(self, name: str, key: object) -> str:
        """Give the name of a file; where its stem is taken, the *key* is added.

        >>> names = UniqueNames()
        >>> names.give("../a.png", 7), names.give("A.jpg", 8)
        ('a.png', 'A_8.jpg')
        """
        safe = safe_name(name)
        head, dot, ending = safe.rpartition(".") if "." in safe else (safe, "", "")
        stem = head.encode()[:_LONGEST_STEM].decode(errors="ignore").rstrip(". ") or "file"
        for mark in chain(("", f"_{key}"), (f"_{key}_{number}" for number in count(2))):
            folded = hash(unicodedata.normalize("NFC", stem + mark).casefold())
            if folded not in self._taken:
                self._taken.add(folded)
                return f"{stem}{mark}{dot}{ending}"
        raise AssertionError("the numbers have an end")


def stem_of(name: str) -> str:
    """Give a name without its ending."""
    return name.rpartition(".")[0] or name


def dump(value: Any) -> bytes:
    """Write JSON as readable text; half characters, which UTF-8 has none of, as escapes."""
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


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
    """Give a draft, which takes the place of *target* when the block ends well, and is removed when it doesn't."""
    mark = secrets.token_hex(4)
    root, old = (target.with_name(f".{target.name}.{mark}.{kind}") for kind in ("partial", "old"))
    try:
        root.mkdir(parents=True)
    except OSError as error:
        raise TransferError(f"{str(target)!r} cannot be written ({error.strerror})") from error
    draft = Draft(root)
    try:
        yield draft
        draft.close()
        if target.exists():
            target.rename(old)
        root.rename(target)
    except OSError as error:
        raise TransferError(f"{str(target)!r} cannot be written ({error.strerror or error})") from error
    finally:
        draft.close()
        shutil.rmtree(root, ignore_errors=True)
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)
