"""The path that the backend remembers a file by: below a root, never one that tells of this machine."""

from __future__ import annotations

import os
import warnings

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final

from synapse.errors import TransferError, describe
from synapse.transfer.source import PathLike, as_sent, shown
from synapse.values import user_path

LONGEST: Final = 1024

if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())


class PlacedPath(_Path):
    """A path that knows what it is remembered by, so that the item of an outcome can be given again."""

    remembered: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (placed, (str(self), self.remembered)) if self.remembered else (Path, (str(self),))

    def __repr__(self) -> str:
        return f"{_Path.__name__}({self.as_posix()!r})"


def placed(path: PathLike, remembered: str) -> Path:
    """Give a path that is remembered by another one."""
    made = PlacedPath(path)
    made.remembered = remembered
    return made


def place_of(path: PathLike, root: PathLike | None) -> str:
    """Give what a file is remembered by: its path below *root*, else as given where that is relative, else its name."""
    if root is not None:
        return as_remembered(_below(path, root))
    if isinstance(path, PlacedPath) and path.remembered:
        return as_remembered(path.remembered)
    given = user_path(path)
    relative = os.path.normpath(given)
    return as_remembered(given.name if _leaves(relative) else Path(relative).as_posix())


def _leaves(path: str) -> bool:
    """Whether a path is absolute or leads up: it would tell of this machine."""
    return os.path.isabs(path) or path.partition(os.sep)[0] == ".."  # noqa: PTH117


class SharedNameWarning(UserWarning):
    """Files of one run will be remembered by one name, and nothing tells them apart."""


class Names:
    """Notices files of several folders that have one name, which is all that is remembered of some paths."""

    def __init__(self, where: tuple[str, int]) -> None:
        self._where = where
        self._paths: dict[int, int] | None = {}

    def note(self, item: Any) -> None:
        """Take in an item, and warn once where another one had a file of the same name."""
        files = item.get("files") if isinstance(item, Mapping) else item
        for spec, path in files.items() if isinstance(files, Mapping) else [("", files)]:
            if isinstance(path, str | PurePath):
                self._note(spec, path)

    def _note(self, spec: object, path: str | PurePath) -> None:
        if self._paths is None or getattr(path, "remembered", None):
            return
        try:
            text = os.path.normpath(user_path(path))
        except TransferError:  # told in its turn
            return
        if not _leaves(text):
            return
        name = os.path.basename(text)  # noqa: PTH119
        if self._paths.setdefault(hash((spec, name)), hash(text)) != hash(text):
            self._paths = None
            warnings.warn_explicit(
                f"several files are called {name!r}, and of a path that is absolute or leads up the backend remembers "
                "only the name: upload(items, root='the folder above them') keeps the folders between",
                SharedNameWarning,
                *self._where,
            )


def as_remembered(path: str) -> str:
    """Return a path that is to be sent; one that no backend takes is a `TransferError`."""
    if len(path) > LONGEST:
        raise TransferError(
            f"the path {shown(path)} has {len(path):,} characters, and a file is remembered by {LONGEST:,} at most: "
            "move it up, or upload a folder further down"
        )
    return as_sent(path)


def prefix_of(folder: Path, root: PathLike) -> str:
    """Give what the files of a folder are remembered with before their paths below it."""
    below = _below(folder, root)
    return "" if below == "." else f"{below}/"


def placed_item(item: Any, root: PathLike) -> Any:
    """Give an item whose paths know what they are remembered by; what cannot be is left as it is."""
    files = item.get("files") if isinstance(item, Mapping) else item
    if isinstance(files, Mapping):
        known: Any = {name: _placed(path, root) for name, path in files.items()}
    else:
        known = _placed(files, root)
    return {**item, "files": known} if isinstance(item, Mapping) else known


def check_root(root: object) -> None:
    """Refuse a root that is no path."""
    if root is not None and not (isinstance(root, str | os.PathLike) and isinstance(os.fspath(root), str)):
        raise TransferError(f"root is given by its path (text or Path), not as {describe(root)}")


def _placed(path: Any, root: PathLike) -> Any:
    try:
        return placed(path, _below(path, root))
    except (TransferError, TypeError, ValueError):
        return path


def _below(path: PathLike, root: PathLike) -> str:
    # Links are not followed: what counts is where the caller finds the file.
    whole, top = (Path(os.path.abspath(user_path(each))) for each in (path, root))  # noqa: PTH100
    if not whole.is_relative_to(top):
        raise TransferError(
            f"{shown(path)} does not lie below root={shown(root)}: its path there is what a file is remembered by"
        )
    return whole.relative_to(top).as_posix()
