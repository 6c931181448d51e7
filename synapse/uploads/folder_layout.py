"""Names of folders that are, or were meant to be, those of file specifications."""

from __future__ import annotations

import os
import re

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from unicodedata import normalize

from synapse.errors import MappingError, TransferError, describe, did_you_mean
from synapse.uploads.file_types import Spec
from synapse.uploads.folder_patterns import Patterns

_BETWEEN: Final = re.compile(r"[\W_]+")
_CLOSE: Final = 0.85


def check_folder_names(
    root: Path, names: Iterable[str], *, specs: Sequence[Spec], patterns: Patterns, deeper: bool
) -> None:
    """Refuse a folder of whose sub-folders one is almost named after a specification, or one that lies *deeper*."""
    wanted = [spec.name for spec in specs]
    for name in sorted(names):
        if meant := _meant(name, wanted):
            raise TransferError(
                f"the folder {name!r} is almost named after the file specification {meant!r}: give it that name, or "
                f"say folders={{{meant!r}: {name!r}, …}}, if its files are of it, and quite another one if not. "
                "Nothing was sent"
            )
    if deeper:
        _check_below(root, wanted, patterns)


def _check_below(root: Path, wanted: Sequence[str], patterns: Patterns) -> None:
    plain = {_plain(name): name for name in wanted}
    for path, folders, _ in os.walk(root):
        below = {name: Path(path, name).relative_to(root).as_posix() for name in sorted(folders)}
        folders[:] = [name for name, inner in below.items() if patterns.has_folder(inner)]
        for name in folders:
            if meant := plain.get(_plain(name)):
                inner = below[name]
                raise TransferError(
                    f"{inner!r} is named after the file specification {meant!r}, which says something only of a "
                    f"sub-folder of the folder that is given: give {path!r}, and others like it one after another, "
                    f"or say folders={{{meant!r}: {name!r}, …}}. Nothing was sent"
                )


def named_folders(folders: object, specs: Sequence[Spec]) -> dict[int, str]:
    """Take `folders={specification: folder}` as places of specifications and paths."""
    wanted = {spec.name: number for number, spec in enumerate(specs)}
    if not isinstance(folders, Mapping) or not folders:
        raise TransferError(f"upload(folders=...) takes {{specification: folder}}, got {describe(folders)}")
    found: dict[int, str] = {}
    for name, folder in folders.items():
        if name not in wanted:
            hint = did_you_mean(str(name), list(wanted))
            raise MappingError(f"there is no file specification {name!r}{hint}, only {', '.join(wanted)}")
        found[wanted[name]] = _below(name, folder)
    if len(set(found.values())) < len(found):
        raise TransferError(
            f"upload(folders=...) names one folder for several specifications: {dict(folders)}. Files of one folder "
            "are told apart by their types, without folders="
        )
    lacking = [spec.name for number, spec in enumerate(specs) if spec.required and number not in found]
    if lacking:
        raise TransferError(
            f"upload(folders=...) says no folder for {', '.join(lacking)}, which a unit needs"
        )
    return dict(sorted(found.items()))


def _below(name: str, folder: object) -> str:
    text = os.fspath(folder) if isinstance(folder, str | os.PathLike) else None
    parts = (
        [part for part in re.split(r"[/\\]", text) if part not in ("", ".")] if isinstance(text, str) else []
    )
    if not isinstance(text, str) or not text or ".." in parts or Path(text).is_absolute():
        raise TransferError(
            f"upload(folders=...) takes the name of a folder below the one that is given for {name!r}, such as "
            f"'labels' or 'training/label_2', got {describe(folder)}"
        )
    return "/".join(parts) or "."


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
