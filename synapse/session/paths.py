"""Paths as users write them."""

from __future__ import annotations

import os

from pathlib import Path

from synapse.errors import SynapseError, TransferError


def user_path(
    path: str | os.PathLike[str], *, error: type[SynapseError] = TransferError, setting: str = ""
) -> Path:
    """Return a path in which a leading `~` is the home folder, and `~name` that of the user *name*, as for a shell.

    A file may well be called `~draft.png`. But nobody means a folder `~name` that is not there: that is an *error*.
    """
    text = os.fspath(path)
    if not text.startswith("~"):
        return Path(text)
    try:
        expanded = os.path.expanduser(text)  # noqa: PTH111 - unlike that of Path, it leaves what is no user's
    except ValueError:  # a NUL, which the path is refused for later
        return Path(text)
    first = Path(text).parts[0]
    if expanded == text and first != text and not os.path.lexists(first):
        raise error(
            f"{f'{setting}: ' if setting else ''}{text[:200]!r} cannot be found: this system has no user of the name "
            "after the '~'. For a folder that is called so, write './~…'"
        )
    return Path(expanded)
