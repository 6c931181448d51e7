"""What a user gives as one item, checked as a whole before anything of it is sent."""

from __future__ import annotations

import os
import warnings

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from synapse.errors import MappingError, TransferError, describe, did_you_mean
from synapse.mapping.codecs import Misfit, check_json
from synapse.mapping.json import detached
from synapse.transfer.local_file import (
    PathLike,
    RemotePath,
    SharedNameWarning,
    Source,
    sendable_name,
    shown_path,
    source_of,
)
from synapse.uploads.file_types import Spec, check_file_for
from synapse.values import user_path

AnyPath: TypeAlias = PathLike | RemotePath

LONGEST_PATH: Final = 1024
_KEYS: Final = ("files", "meta", "groups")


def by_specification(files: Any, *, names: Sequence[str], required: Sequence[str]) -> dict[str, AnyPath]:
    """Map each file specification to its file; a single path is assigned to the only one that is needed.

    Raises `MappingError` if a name is no specification, or a required one is missing.
    """
    if not isinstance(files, Mapping):
        wanted = required or names
        if len(wanted) != 1:
            raise MappingError(f"the collection takes {', '.join(names)}: give {{name: path}}, not one path")
        return {wanted[0]: files}
    for name in files:
        if name not in names:
            hint = did_you_mean(str(name), names)
            raise MappingError(f"there is no file specification {name!r}{hint}, only {', '.join(names)}")
    lacking = [name for name in required if name not in files]
    if lacking:
        raise MappingError(f"a unit needs {', '.join(lacking)} as well")
    if not files:
        raise MappingError("a unit needs files: {specification: path}")
    return dict(files)


if TYPE_CHECKING:
    _Path = Path
else:
    _Path = type(Path())


class RememberedPath(_Path):
    """A path that knows what it is remembered by, so that the item of an outcome can be given again."""

    remembered: str | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return (
            (with_remembered_path, (str(self), self.remembered)) if self.remembered else (Path, (str(self),))
        )

    def __repr__(self) -> str:
        return f"{_Path.__name__}({self.as_posix()!r})"


def with_remembered_path(path: AnyPath, remembered: str) -> Path | RemotePath:
    """Give a path that is remembered by another one."""
    if isinstance(path, RemotePath):
        return path.remembered_as(remembered)
    made = RememberedPath(path)
    made.remembered = remembered
    return made


# The path of a file is kept with its unit for everyone to see: one that begins at / would tell of this machine's users.
def remembered_path(path: AnyPath, root: AnyPath | None) -> str:
    """Give what a file is remembered by: its path below *root*, else as given where that is relative, else its name."""
    if root is not None:
        return check_remembered(_path_below(path, root))
    if isinstance(path, RememberedPath) and path.remembered:
        return check_remembered(path.remembered)
    if isinstance(path, RemotePath):
        return check_remembered(path.remembered or path.key)
    given = user_path(path)
    relative = os.path.normpath(given)
    return check_remembered(given.name if _leaves(relative) else Path(relative).as_posix())


def _leaves(path: str) -> bool:
    """Whether a path is absolute or leads up: it would tell of this machine."""
    return os.path.isabs(path) or path.partition(os.sep)[0] == ".."  # noqa: PTH117


class SharedNameCheck:
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
        # Hashes, since names of millions of files go by; two that collide only warn once too often.
        if self._paths.setdefault(hash((spec, name)), hash(text)) != hash(text):
            self._paths = None
            warnings.warn_explicit(
                f"several files are called {name!r}, and of a path that is absolute or leads up the backend remembers "
                "only the name: upload(items, root='the folder above them') keeps the folders between",
                SharedNameWarning,
                *self._where,
            )


def check_remembered(path: str) -> str:
    """Return a path that is to be sent; one that no backend takes is a `TransferError`."""
    if len(path) > LONGEST_PATH:
        raise TransferError(
            f"the path {shown_path(path)} has {len(path):,} characters, and a file is remembered by {LONGEST_PATH:,} "
            "at most: move it up, or upload a folder further down"
        )
    return sendable_name(path)


def remembered_prefix(folder: Path | RemotePath, root: AnyPath) -> str:
    """Give what the files of a folder are remembered with before their paths below it."""
    below = _path_below(folder, root)
    return "" if below == "." else f"{below}/"


def item_with_remembered_paths(item: Any, root: AnyPath) -> Any:
    """Give an item whose paths know what they are remembered by; what cannot be is left as it is."""
    files = item.get("files") if isinstance(item, Mapping) else item
    if isinstance(files, Mapping):
        # What an outcome shows of an item can be uploaded again, without root=, and is remembered by the same path.
        known: Any = {name: _with_path_below(path, root) for name, path in files.items()}
    else:
        known = _with_path_below(files, root)
    return {**item, "files": known} if isinstance(item, Mapping) else known


def check_root(root: object) -> None:
    """Refuse a root that is no path."""
    if isinstance(root, RemotePath):
        return
    if root is not None and not (isinstance(root, str | os.PathLike) and isinstance(os.fspath(root), str)):
        raise TransferError(f"root is given by its path (text or Path), not as {describe(root)}")


def _with_path_below(path: Any, root: AnyPath) -> Any:
    try:
        return with_remembered_path(path, _path_below(path, root))
    except (TransferError, TypeError, ValueError):
        return path


def _path_below(path: AnyPath, root: AnyPath) -> str:
    if isinstance(path, RemotePath):
        return path.below(root)
    if isinstance(root, RemotePath):
        raise TransferError(f"{shown_path(path)} does not lie below root={shown_path(root)}")
    # Links are not followed: what counts is where the caller finds the file.
    whole, top = (Path(os.path.abspath(user_path(each))) for each in (path, root))  # noqa: PTH100
    if not whole.is_relative_to(top):
        raise TransferError(
            f"{shown_path(path)} does not lie below root={shown_path(root)}: its path there is what a file is "
            "remembered by"
        )
    return whole.relative_to(top).as_posix()


@attrs.frozen
class PlannedFile:
    """One file of an item, and the path that the backend remembers it by."""

    source: Source
    path: str


@attrs.frozen
class ItemPlan:
    """The files of one item by their specifications, and what is known of them."""

    parts: dict[str, PlannedFile]
    meta: dict[str, Any] = attrs.field(factory=dict)
    groups: list[str] = attrs.field(factory=list)

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(part.source.size for part in self.parts.values())

    def body(self, collection: int, checksums: Mapping[str, str]) -> dict[str, Any]:
        """Describe the unit, whose files the backend has under these checksums."""
        files = {name: {"checksum": checksums[name], "path": part.path} for name, part in self.parts.items()}
        named = {"groups": self.groups} if self.groups else {}
        return {"data_collection": collection, "files": files, "meta": self.meta, **named}


def plan_item(
    item: Any, specs: Sequence[Spec], *, root: AnyPath | None = None, check_content: bool = True
) -> ItemPlan:
    """Check an item and its files; raises `TransferError` or `MappingError` if it cannot be uploaded."""
    check_root(root)
    files, meta, groups = _read(item)
    by_name = {spec.name: spec for spec in specs}
    required = [spec.name for spec in specs if spec.required]
    named = by_specification(files, names=list(by_name), required=required)
    parts: dict[str, PlannedFile] = {}
    for name, path in named.items():
        source = source_of(path)
        if check_content:
            check_file_for(source, by_name[name])
        parts[name] = PlannedFile(source, remembered_path(path, root))
    return ItemPlan(parts, meta, groups)


def copy_item(item: Any) -> Any:
    """Keep an item as it is now: whoever made it may use its dicts again for the next one."""
    if not isinstance(item, Mapping):
        return item
    try:
        return {key: detached(value) for key, value in item.items()}
    except MappingError:  # what is wrong with it is told in its turn
        return dict(item)


def size_of_item(item: Any) -> int:
    """Add up the sizes of an item's files, as far as they are to be had."""
    files = item.get("files") if isinstance(item, Mapping) else item
    paths = files.values() if isinstance(files, Mapping) else (files,)
    return sum(map(_size, paths))


def _size(path: Any) -> int:
    if isinstance(path, RemotePath):
        return path.size()
    try:
        return user_path(path).stat().st_size if isinstance(path, str | os.PathLike) else 0
    except (OSError, ValueError, TransferError):
        return 0


def _read(item: Any) -> tuple[Any, dict[str, Any], list[str]]:
    if isinstance(item, str | os.PathLike | RemotePath):
        return item, {}, []
    if not isinstance(item, Mapping):
        raise TransferError(
            f"an item is a path or {{'files': {{…}}, 'meta': {{…}}}}, not {type(item).__name__}"
        )
    for key in item:
        if key not in _KEYS:
            hint = did_you_mean(str(key), _KEYS)
            raise TransferError(f"an item has no {key!r}{hint}, only {', '.join(_KEYS)}")
    return item.get("files"), _meta(item.get("meta")), _groups(item.get("groups"))


def _meta(meta: Any) -> dict[str, Any]:
    if meta is not None and not isinstance(meta, Mapping):
        raise TransferError(f"an item's meta is a JSON object, not {type(meta).__name__}")
    try:
        given: dict[str, Any] = check_json(dict(meta or {}))
    except Misfit as misfit:
        # One such meta would keep its whole batch from being sent.
        raise TransferError(misfit.of("an item's meta")) from None
    return given


def _groups(groups: Any) -> list[str]:
    if groups is None:
        return []
    if not isinstance(groups, list | tuple) or not all(isinstance(each, str) for each in groups):
        raise TransferError(f"an item's groups are a list of names, not {describe(groups)}")
    try:
        return list(check_json(groups))
    except Misfit as misfit:
        raise TransferError(misfit.of("an item's groups")) from None
