"""Which files of a folder are looked at: not what systems leave there, and what patterns say."""

from __future__ import annotations

import fnmatch
import re

from collections.abc import Iterable
from typing import Final
from unicodedata import normalize

import attrs

from synapse.errors import TransferError, describe

# What Windows, macOS, Synology, QNAP and Linux keep in folders, in lower case; hidden names are left out anyway.
_LITTER_NAMES: Final = (
    "thumbs.db|ehthumbs.db|ehthumbs_vista.db|desktop.ini|picasa.ini|icon\r|__macosx|__pycache__|"
    "$recycle.bin|recycler|system volume information|network trash folder|temporary items|lost+found|"
    "@eadir|@tmp|@recycle|@recently-snapshot|#recycle|#snapshot"
)
_LITTER: Final = frozenset(_LITTER_NAMES.split("|"))
_DEEP: Final = re.compile(r"(^|/)\*\*/")


def is_visible(name: str) -> bool:
    """Tell whether a name is not one of those that systems hide or leave in folders, whatever its case.

    >>> is_visible("a.png"), is_visible(".DS_Store"), is_visible("THUMBS.DB"), is_visible("@eaDir")
    (True, False, False, False)
    """
    return not name.startswith(".") and name.lower() not in _LITTER


@attrs.frozen
class Patterns:
    """What is looked at of a folder.

    A pattern without a slash is held against the name of a file or folder, one with a slash against its path below the
    folder that was given, and one that ends in a slash against folders only: it stands for all that is in them. `*`
    stands for anything, slashes too, `**/` for no folder as well, and case does not count.
    """

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()

    @classmethod
    def of(cls, include: object, exclude: object) -> Patterns:
        """Take patterns as they are given: one, or several."""
        return cls(
            None if include is None else _texts("include", include),
            _texts("exclude", () if exclude is None else exclude),
        )

    def has_folder(self, path: str) -> bool:
        """Tell whether a folder is looked into."""
        return is_visible(path.rpartition("/")[2]) and not _match(self.exclude, path, folder=True)

    def has_file(self, path: str) -> bool:
        """Tell whether a file is taken."""
        if not is_visible(path.rpartition("/")[2]) or _match(self.exclude, path):
            return False
        return self.include is None or _match(self.include, path) or self._is_inside(path)

    def _is_inside(self, path: str) -> bool:
        """Tell whether a file lies in a folder that `include` names."""
        folders = [each for each in self.include or () if each.endswith("/")]
        steps = path.split("/") if folders else []
        return any(_match(folders, "/".join(steps[:count]), folder=True) for count in range(1, len(steps)))


def _match(patterns: Iterable[str], path: str, *, folder: bool = False) -> bool:
    plain = _plain(path) if patterns else ""
    for pattern in patterns:
        if pattern.endswith("/") and not folder:
            continue
        bare = pattern.rstrip("/")
        if re.match(fnmatch.translate(bare), plain if "/" in bare else plain.rpartition("/")[2]):
            return True
    return False


def _texts(what: str, given: object) -> tuple[str, ...]:
    several = [given] if isinstance(given, str) else given
    if not isinstance(several, list | tuple | set | frozenset) or not all(
        isinstance(each, str) and each.strip("/. ") for each in several
    ):
        raise TransferError(
            f"upload({what}=...) takes patterns such as '*.jpg' or ['previews/', 'classes.txt'], got {describe(given)}"
        )
    plain = [_plain(each).removeprefix("./").removeprefix("/") for each in several]
    return tuple(dict.fromkeys(form for each in plain for form in (each, _DEEP.sub(r"\1", each))))


def _plain(text: str) -> str:
    return normalize("NFC", text).lower()
