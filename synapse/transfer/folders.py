"""A folder as the items of an upload: which file is which is told by sub-folders, or by types and stems."""

from __future__ import annotations

import os
import re

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final, TypeAlias
from unicodedata import normalize

import attrs

from synapse.errors import MappingError, SynapseError, TransferError, did_you_mean
from synapse.session.paths import user_path
from synapse.transfer.foldernames import check_names, is_visible
from synapse.transfer.items import Part, Plan
from synapse.transfer.kinds import is_left_over, kinds_of, takes
from synapse.transfer.source import PathLike, Source, as_sent
from synapse.transfer.specifications import Spec

_DIGITS: Final = re.compile("[0-9]+")

_Above: TypeAlias = tuple[tuple[int, int], Any] | None


@attrs.frozen
class Problem:
    """A file or folder that is no item, and why not."""

    path: str
    error: SynapseError


@attrs.frozen
class _Place:
    """One folder that is looked into: for files of one specification, or of whichever fits; and what it lies in."""

    path: str
    spec: int | None
    above: _Above

    def below(self, name: str) -> str:
        """The path of what is in it."""
        return f"{self.path}/{name}" if self.path else name


@attrs.frozen
class Folder:
    """The items in a folder, in natural order: each is kept as the paths of its files below it, in one text.

    Iterating looks into one folder after another and holds the names of one at a time.
    """

    root: Path
    specs: tuple[Spec, ...]
    named: dict[int, str]
    """The sub-folders that are named after specifications, by the places of these."""
    types: dict[str, int]
    """Which specification a type is for, by its place."""

    def __str__(self) -> str:
        if self.named:
            return f"{self.root}: a sub-folder for each of {', '.join(self.specs[each].name for each in self.named)}"
        names = " + ".join(spec.name for spec in self.specs)
        return f"{self.root}: files of one stem together, as {names} by their types"

    def __iter__(self) -> Iterator[str | Problem]:
        top: _Above = (_identity(self.root), None)
        if self.named:
            yield from self._beside()
            roots = self.named.items()
            waiting = [[_Place(name, spec, (_identity(self.root / name), top)) for spec, name in roots]]
        else:
            waiting = [[_Place("", None, top)]]
        while waiting:
            below: dict[str, list[_Place]] = {}
            yield from self._within(waiting.pop(), below)
            waiting += [below[name] for name in sorted(below, key=_natural, reverse=True)]

    def item(self, kept: str | Problem) -> Any:
        """Show what is kept of an item as the item that could be given in its place."""
        if isinstance(kept, Problem):
            return self.root / kept.path
        return {"files": {name: self.root / path for name, path in self._paths(kept).items()}}

    def plan(self, kept: str | Problem) -> Plan:
        """Look at the files of an item; their paths are remembered as they are below the folder."""
        if isinstance(kept, Problem):
            raise kept.error
        return Plan(
            {
                name: Part(Source.of(self.root / path), as_sent(path))
                for name, path in self._paths(kept).items()
            }
        )

    def _paths(self, kept: str) -> dict[str, str]:
        parts = kept.split("\0")
        return {spec.name: path for spec, path in zip(self.specs, parts, strict=True) if path}

    def _beside(self) -> Iterator[Problem]:
        """Tell of what lies beside the sub-folders of the specifications."""
        files: list[str] = []
        folders, problem = self._list("", files)
        if problem is not None:
            yield problem
        wanted = [spec.name for spec in self.specs]
        named = ", ".join(self.named.values())
        for name in sorted(files, key=_natural):
            yield Problem(
                name, TransferError(f"{name!r} lies beside the sub-folders {named}, not in one of them")
            )
        for name in sorted({*folders}.difference(self.named.values()), key=_natural):
            hint = did_you_mean(name, wanted)
            words = f"the folder {name!r} is named after no file specification{hint}: {', '.join(wanted)}"
            yield Problem(name, TransferError(words))

    def _within(self, places: Sequence[_Place], below: dict[str, list[_Place]]) -> Iterator[str | Problem]:
        """Give the items of files that lie in these places, which stand for one folder, and note what is below it."""
        names: list[str] = []
        folders: list[tuple[str, _Place]] = []
        for number, place in enumerate(places):
            inner, problem = self._list(place.path, names, mark=f"\0{number}")
            if problem is not None:
                yield problem
            folders += [(name, place) for name in inner]
        names.sort(key=_key, reverse=True)
        for _, group in groupby(_popped(names), key=_stem_of):
            yield from self._stem(group, places)
        for name, place in sorted(folders, key=lambda folder: _natural(folder[0])):
            try:
                inside = self._inside(place, name)
            except TransferError as error:
                yield Problem(place.below(name), error)
            else:
                below.setdefault(normalize("NFC", name), []).append(inside)

    def _stem(self, entries: Iterable[str], places: Sequence[_Place]) -> Iterator[str | Problem]:
        """Give the items of the files that share a stem."""
        files: list[tuple[int, str]] = []
        for name, _, number in (entry.partition("\0") for entry in entries):
            place = places[int(number)]
            path = place.below(name)
            try:
                if is_left_over(path):
                    raise TransferError(f"{path!r} was left by a download that did not end, or by an editor")
                files.append((self._spec(path) if place.spec is None else self._fits(path, place.spec), path))
            except TransferError as error:
                yield Problem(path, error)
        yield from self._joined(files)

    def _list(self, path: str, files: list[str], *, mark: str = "") -> tuple[list[str], Problem | None]:
        """Add the visible files of a folder to *files*, and give its folders, as far as it can be read."""
        folders: list[str] = []
        try:
            with os.scandir(self.root / path) as entries:
                for entry in entries:
                    if not is_visible(entry.name):
                        continue
                    if _is_folder(entry):
                        folders.append(entry.name)
                    else:
                        files.append(entry.name + mark)
        except OSError as error:
            return folders, Problem(path, TransferError(_unreadable(self.root / path, error)))
        return folders, None

    def _inside(self, place: _Place, name: str) -> _Place:
        """Go into a folder, unless that leads back to one that it lies in."""
        path = place.below(name)
        own = _identity(self.root / path)
        above = place.above
        while above is not None:
            if above[0] == own:
                raise TransferError(f"{path!r} is a link to a folder that it lies in")
            above = above[1]
        return _Place(path, place.spec, (own, place.above))

    def _fits(self, path: str, number: int) -> int:
        """Hold a file against the specification in whose sub-folder it lies."""
        wanted = self.specs[number]
        if not takes(wanted.file_type, path):
            raise TransferError(f"{path!r} {_said(path)}, and {wanted.name} takes {wanted.file_type} files")
        return number

    def _spec(self, path: str) -> int:
        """Tell by its type which specification a file is for."""
        for kind in kinds_of(path):
            if kind in self.types:
                return self.types[kind]
        asked = ", ".join(f"{spec.name} ({spec.file_type})" for spec in self.specs)
        raise TransferError(f"{path!r} {_said(path)}, and the collection takes {asked}")

    def _joined(self, files: list[tuple[int, str]]) -> Iterator[str | Problem]:
        """Make the files of one stem one item, if they are for different specifications."""
        specs = {spec for spec, _ in files}
        if len(specs) == 1:
            for file in files:
                yield self._item(dict([file]))
        elif len(specs) < len(files):
            names = [self.specs[spec].name for spec, _ in files]
            double = next(name for name in names if names.count(name) > 1)
            shown = " and ".join(repr(path) for _, path in files)
            yield Problem(files[0][1], TransferError(f"{shown} are one stem, with two files for {double}"))
        elif files:
            yield self._item(dict(files))

    def _item(self, paths: dict[int, str]) -> str | Problem:
        lacking = [spec.name for n, spec in enumerate(self.specs) if spec.required and n not in paths]
        if lacking:
            path = next(iter(paths.values()))
            words = f"{path!r} has no partner of the same stem: a unit needs {', '.join(lacking)} as well"
            return Problem(path, MappingError(words))
        return "\0".join(paths.get(number, "") for number in range(len(self.specs)))


def open_folder(path: PathLike, *, specs: Sequence[Spec]) -> Folder:
    """Look how a folder is laid out; a `TransferError` says why it cannot be read as units of these specifications."""
    root = user_path(path)
    if not specs:
        raise TransferError("the collection has no file specification that takes single files")
    wanted = {normalize("NFC", spec.name): number for number, spec in enumerate(specs)}
    try:
        with os.scandir(root) as entries:
            folders = [each.name for each in entries if is_visible(each.name) and _is_folder(each)]
    except OSError as error:
        raise TransferError(_unreadable(root, error)) from error
    named = {number: name for name in folders if (number := wanted.get(normalize("NFC", name))) is not None}
    if len(specs) > 1:
        # Pictures that are sent without what belongs to them are other units than those of the run after it.
        check_names(root, set(folders).difference(named.values()), specs=specs, deeper=not named)
    return Folder(root, tuple(specs), dict(sorted(named.items())), {} if named else _by_type(specs))


def _unreadable(root: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no folder {str(root)!r} (looked in {Path.cwd()})"
    if isinstance(error, NotADirectoryError):
        return (
            f"{str(root)!r} is one file, not a folder or an iterable of items such as "
            f"sorted(Path('photos').glob('*.png')): use collection.add({str(root)!r}), or give it in a list"
        )
    return f"the folder {str(root)!r} cannot be read ({error.strerror})"


def _by_type(specs: Sequence[Spec]) -> dict[str, int]:
    """Tell which specification a type is for: the only one that takes it, or the only one of these that is required."""
    found: dict[str, int] = {}
    for kind in dict.fromkeys(spec.file_type for spec in specs):
        same = [number for number, spec in enumerate(specs) if spec.file_type == kind]
        wanted = [number for number in same if specs[number].required] if len(same) > 1 else same
        if len(wanted) != 1:
            names = ", ".join(specs[number].name for number in same)
            raise TransferError(
                f"{names} all take {kind} files, and the type of a file alone does not say which it is: put the files "
                "into sub-folders of these names, those that belong together under the same stem. Nothing was sent"
            )
        found[kind] = wanted[0]
    return found


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself; looking at it as a file tells what is wrong
        return False


def _identity(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise TransferError(_unreadable(path, error)) from error
    return found.st_dev, found.st_ino


def _said(path: str) -> str:
    kinds = kinds_of(path)
    return f"is {' or '.join(kinds)} by its name" if kinds else "does not show by its name what it is"


def _natural(name: str) -> str:
    """Spell a name so that it sorts as people count: `a2` before `a10`, whatever form its accents have.

    >>> sorted(["a10", "a2", "a1"], key=_natural)
    ['a1', 'a2', 'a10']
    """
    return _DIGITS.sub(_counted, name if name.isascii() else normalize("NFC", name))


def _counted(match: re.Match[str]) -> str:
    digits = match[0].lstrip("0")
    return f"0{chr(len(digits) + 1)}{digits}"


def _stem_of(entry: str) -> str:
    """The stem that pairs of files share, whether their names are composed or not, as some systems write them."""
    name = entry.partition("\0")[0]
    stem = name.rpartition(".")[0] or name
    return stem if stem.isascii() else normalize("NFC", stem)


def _key(entry: str) -> str:
    stem = _stem_of(entry)
    return f"{_natural(stem)}\0{stem}\0{entry}"


def _popped(names: list[str]) -> Iterator[str]:
    while names:
        yield names.pop()
