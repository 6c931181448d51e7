"""How a folder is laid out: which sub-folder, or which type of file, is for which file specification."""

from __future__ import annotations

import os
import re

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Final
from unicodedata import normalize

import attrs

from synapse.errors import MappingError, TransferError, describe, did_you_mean
from synapse.transfer.local_file import PathLike, RemotePath, shown_path
from synapse.uploads import folder_tree
from synapse.uploads.file_types import Spec
from synapse.uploads.folder import EVERYTHING, Folder
from synapse.uploads.folder_patterns import Patterns
from synapse.uploads.items import remembered_prefix
from synapse.uploads.unpaired import check_unpaired
from synapse.values import user_path

_BETWEEN: Final = re.compile(r"[\W_]+")
_CLOSE: Final = 0.85


def open_folder(
    path: PathLike | RemotePath,
    *,
    specs: Sequence[Spec],
    folders: object = None,
    patterns: Patterns = EVERYTHING,
    root: PathLike | RemotePath | None = None,
    allow_unpaired: bool = False,
    check_content: bool = True,
) -> Folder:
    """Look how a folder is laid out; a `TransferError` says why it cannot be read as units of these specifications.

    With *folders*, the caller says which sub-folder is for which specification. Unless *allow_unpaired*, a folder is
    refused where some files lack what others are alone with.
    """
    top = path if isinstance(path, RemotePath) else user_path(path)
    if not specs:
        raise TransferError("the collection has no file specification that takes single files")
    prefix = "" if root is None else remembered_prefix(top, root)
    if folders is not None:
        _read(top)
        named = _named_folders(folders, specs)
        folder = Folder(top, tuple(specs), named, {}, anywhere=True, patterns=patterns)
        folder.check_folders()
    else:
        folder = _laid_out(top, specs, patterns=patterns)
    if len(specs) > 1 and not allow_unpaired:
        check_unpaired(top, folder.units(), specs=specs)
    return attrs.evolve(folder, check_content=check_content, prefix=prefix)


def _laid_out(root: folder_tree.Folder, specs: Sequence[Spec], *, patterns: Patterns) -> Folder:
    """Tell by the names of its sub-folders how a folder is laid out."""
    wanted = {normalize("NFC", spec.name): number for number, spec in enumerate(specs)}
    folders = [name for name in _read(root) if patterns.has_folder(name)]
    named = {number: name for name in folders if (number := wanted.get(normalize("NFC", name))) is not None}
    if len(specs) > 1:
        # A picture that went up without its labels is a unit of its own: the corrected run would make a second one.
        others = set(folders).difference(named.values())
        _check_folder_names(root, others, specs=specs, patterns=patterns, deeper=not named)
    types = {} if named else _by_type(specs)
    return Folder(root, tuple(specs), dict(sorted(named.items())), types, patterns=patterns)


def _read(root: folder_tree.Folder) -> list[str]:
    """Give the names of the folders in a folder, or raise `TransferError`."""
    try:
        return [name for name, is_folder in folder_tree.entries(root) if is_folder]
    except ValueError:
        raise TransferError(f"there is no folder {shown_path(root)}: no path can be called so") from None


def _by_type(specs: Sequence[Spec]) -> dict[str, int]:
    """Tell which specification a type is for: the only one that takes it, or the only one of these that is required."""
    found: dict[str, int] = {}
    for kind in dict.fromkeys(spec.file_type for spec in specs):
        same = [number for number, spec in enumerate(specs) if spec.file_type == kind]
        # With a required picture and optional masks, a picture without a folder that says so is the required one.
        wanted = [number for number in same if specs[number].required] if len(same) > 1 else same
        if len(wanted) != 1:
            names = ", ".join(specs[number].name for number in same)
            raise TransferError(
                f"{names} all take {kind} files, and the type of a file alone does not say which it is: put the files "
                "into sub-folders of these names, those that belong together under the same stem. Nothing was sent"
            )
        found[kind] = wanted[0]
    return found


def _check_folder_names(
    root: folder_tree.Folder, names: Iterable[str], *, specs: Sequence[Spec], patterns: Patterns, deeper: bool
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


def _check_below(root: folder_tree.Folder, wanted: Sequence[str], patterns: Patterns) -> None:
    plain = {_plain(name): name for name in wanted}
    for path, folders in folder_tree.walk(root):
        below = {name: f"{path}/{name}" if path else name for name in sorted(folders)}
        # The walk goes on with what is left in this very list: what patterns leave out is not walked.
        folders[:] = [name for name, inner in below.items() if patterns.has_folder(inner)]
        for name in folders:
            if meant := plain.get(_plain(name)):
                inner, above = below[name], str(root / path)
                raise TransferError(
                    f"{inner!r} is named after the file specification {meant!r}, which says something only of a "
                    f"sub-folder of the folder that is given: give {above!r}, and others like it one after another, "
                    f"or say folders={{{meant!r}: {name!r}, …}}. Nothing was sent"
                )


def _named_folders(folders: object, specs: Sequence[Spec]) -> dict[int, str]:
    """Read `folders={specification: folder}` as paths by the numbers of specifications."""
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
    # Both slashes, wherever it runs: scripts travel between Windows and Linux.
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
    # `data_meta` and `data_meta_2` are meant for data_meta_1 as well.
    close = get_close_matches(normalize("NFC", name).casefold(), spelled, n=1, cutoff=_CLOSE)
    return plain.get(_plain(name)) or (spelled[close[0]] if close else unnumbered.get(_plain(name)))


def _plain(name: str) -> str:
    """Spell a name without what people leave out or write another way.

    >>> _plain("Data-Meta 1") == _plain("data_meta_1")
    True
    """
    return _BETWEEN.sub("", normalize("NFC", name).casefold())
