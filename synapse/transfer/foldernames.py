"""Names of folders that were meant to be those of file specifications, and of what is left out."""

from __future__ import annotations

import os
import re

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from unicodedata import normalize

from synapse.errors import TransferError
from synapse.transfer.specifications import Spec

_LITTER: Final = frozenset({"Thumbs.db", "ehthumbs.db", "desktop.ini", "__MACOSX", "$RECYCLE.BIN"})
_BETWEEN: Final = re.compile(r"[\W_]+")
_CLOSE: Final = 0.85


def is_visible(name: str) -> bool:
    """Tell whether a name is not one of those that systems hide or leave in folders."""
    return not name.startswith(".") and name not in _LITTER


def check_names(root: Path, names: Iterable[str], *, specs: Sequence[Spec], deeper: bool) -> None:
    """Refuse a folder of whose sub-folders one is almost named after a specification, or one that lies *deeper*."""
    wanted = [spec.name for spec in specs]
    for name in sorted(names):
        if meant := _meant(name, wanted):
            raise TransferError(
                f"the folder {name!r} is almost named after the file specification {meant!r}: give it that name if its "
                "files are of it, and quite another one if not. Nothing was sent"
            )
    if deeper:
        _check_below(root, wanted)


def _check_below(root: Path, wanted: Sequence[str]) -> None:
    plain = {_plain(name): name for name in wanted}
    for path, folders, _ in os.walk(root):
        folders[:] = sorted(filter(is_visible, folders))
        for name in folders:
            if meant := plain.get(_plain(name)):
                inner = Path(path, name).relative_to(root).as_posix()
                raise TransferError(
                    f"{inner!r} is named after the file specification {meant!r}, which says something only of a "
                    f"sub-folder of the folder that is given: give {path!r}, and others like it one after another. "
                    "Nothing was sent"
                )


def _meant(name: str, wanted: Sequence[str]) -> str | None:
    plain = {_plain(each): each for each in wanted}
    spelled = {each.casefold(): each for each in wanted}
    unnumbered = {_plain(each).rstrip("0123456789"): each for each in reversed(wanted)}
    close = get_close_matches(normalize("NFC", name).casefold(), spelled, n=1, cutoff=_CLOSE)
    return plain.get(_plain(name)) or (spelled[close[0]] if close else unnumbered.get(_plain(name)))


def _plain(name: str) -> str:
    """Spell a name without what people leave out or write another way.

    >>> _plain("Data-Meta 1") == _plain("data_meta_1")
    True
    """
    return _BETWEEN.sub("", normalize("NFC", name).casefold())
