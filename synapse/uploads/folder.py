"""The items in a folder, found one sub-folder after another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias
from unicodedata import normalize

import attrs

from synapse.errors import MappingError, TransferError, did_you_mean
from synapse.transfer.local_file import source_of
from synapse.uploads import folder_tree
from synapse.uploads.file_types import Spec, check_file_for, file_types_of, is_temporary_name, may_be
from synapse.uploads.folder_patterns import Patterns
from synapse.uploads.items import (
    ItemPlan,
    PlannedFile,
    check_remembered,
    with_remembered_path,
)
from synapse.uploads.pairing import FolderProblem, TypedFile, fold, natural, pair_files, stem_groups

_Parents: TypeAlias = tuple[Any, Any] | None
Unit: TypeAlias = dict[int, str]

EVERYTHING: Final = Patterns()


@attrs.frozen
class _Directory:
    """One folder that is looked into: for files of one specification, or of whichever fits; and what it lies in.

    `start` is the length of the path that it was begun with; of a `flat` one, folders below are not looked into.
    """

    path: str
    spec: int | None
    parents: _Parents
    start: int = 0
    flat: bool = False

    def below(self, name: str) -> str:
        """The path of what is in it."""
        return f"{self.path}/{name}" if self.path else name


@attrs.frozen
class Folder:
    """The items in a folder, in natural order: each is kept as the paths of its files below it, in one text.

    Iterating looks into one folder after another and holds the names of one at a time.
    """

    root: folder_tree.Folder
    specs: tuple[Spec, ...]
    named: dict[int, str]
    """The sub-folders of the specifications, by the places of these."""
    types: dict[str, int]
    """Which specification a type is for, by its place."""
    anywhere: bool = False
    """Whether the named sub-folders may lie in any folder, since the caller named them."""
    patterns: Patterns = EVERYTHING
    check_content: bool = True
    """Whether a file is looked at for signs that it is something else."""
    prefix: str = ""
    """What is remembered before the path of each file."""

    def __str__(self) -> str:
        if self.named:
            return f"{self.root}: a sub-folder for each of {', '.join(self.specs[each].name for each in self.named)}"
        names = " + ".join(spec.name for spec in self.specs)
        return f"{self.root}: files of one stem together, as {names} by their types"

    # Each item is one text, not a dict of paths: ten million of them fit into memory in a report.
    def __iter__(self) -> Iterator[str | FolderProblem]:
        if self.named and not self.anywhere:
            yield from self._outside()
        for _, found in self._found():
            yield found if isinstance(found, FolderProblem) else self._item(found)

    def units(self) -> Iterator[tuple[str, Unit]]:
        """Give the files that belong together, whether they can be sent or not, each with the folder it lies in."""
        for path, found in self._found():
            if not isinstance(found, FolderProblem):
                yield path, found

    def item(self, entry: str | FolderProblem) -> Any:
        """Show what is kept of an item as the item that could be given in its place."""
        if isinstance(entry, FolderProblem):
            return self.root / entry.path
        paths = self._paths(entry).items()
        return {
            "files": {
                name: with_remembered_path(self.root / path, self.prefix + path) for name, path in paths
            }
        }

    def plan(self, entry: str | FolderProblem) -> ItemPlan:
        """Look at the files of an item; their paths are remembered as they are below the folder."""
        if isinstance(entry, FolderProblem):
            raise entry.error
        parts: dict[str, PlannedFile] = {}
        # No path holds a NUL, on any system, so that it separates the paths of an item.
        for spec, path in zip(self.specs, entry.split("\0"), strict=True):
            if path:
                source = source_of(self.root / path)
                if self.check_content:
                    check_file_for(source, spec)
                parts[spec.name] = PlannedFile(source, check_remembered(self.prefix + path))
        return ItemPlan(parts)

    def check_folders(self) -> None:
        """Raise `TransferError` where a folder that the caller named is nowhere."""
        found = {directory.spec for directories in self._start_directories() for directory in directories}
        for number, name in self.named.items():
            if number not in found:
                folders, _ = self._list("", [])
                hint = did_you_mean(name, folders)
                raise TransferError(
                    f"there is no folder {name!r} in {str(self.root)!r}{hint}. Nothing was sent"
                )

    def _paths(self, entry: str) -> dict[str, str]:
        parts = entry.split("\0")
        return {spec.name: path for spec, path in zip(self.specs, parts, strict=True) if path}

    def _found(self) -> Iterator[tuple[str, Unit | FolderProblem]]:
        """Give what is found, each with the path of its folder below that of its specification."""
        for directories in self._start_directories():
            # One that lies in another, as `images/masks` in `images`, is not of that one as well.
            own = frozenset(directory.path for directory in directories)
            # A stack, not recursion: a folder may be as deep as its file system allows.
            waiting = [directories]
            while waiting:
                below: dict[str, list[_Directory]] = {}
                directories = waiting.pop()
                path = directories[0].path[directories[0].start :].lstrip("/")
                for found in self._units_in(directories, below, own=own):
                    yield path, found
                waiting += [below[name] for name in sorted(below, key=natural, reverse=True)]

    def _start_directories(self) -> Iterator[list[_Directory]]:
        """Give the folders that are begun with, those together whose files make units together."""
        top = _Directory("", None, (folder_tree.identity(self.root), None))
        if self.anywhere:
            yield from self._search(top)
        elif self.named:
            yield [self._start_in(top, name, spec) for spec, name in self.named.items()]
        else:
            yield [top]

    def _start_in(self, directory: _Directory, path: str, spec: int) -> _Directory:
        own = directory.below(path)
        return _Directory(
            own, spec, (folder_tree.identity(self.root / own), directory.parents), start=len(own)
        )

    def _search(self, top: _Directory) -> Iterator[list[_Directory]]:
        """Give the named folders that lie in one folder, wherever that is."""
        waiting = [top]
        while waiting:
            directory = waiting.pop()
            folders, _ = self._list(directory.path, [])
            found = {
                spec: path
                for spec, name in self.named.items()
                if (path := self._find_folder(directory, name))
            }
            inner = [self._start_in(directory, path, spec) for spec, path in found.items()]
            if inner:
                flat = (spec for spec, name in self.named.items() if name == ".")
                inner += [
                    _Directory(directory.path, spec, directory.parents, len(directory.path), flat=True)
                    for spec in flat
                ]
                yield sorted(inner, key=lambda each: each.spec or 0)
            # `images/labels` takes `images` as well: what lies there was given as a whole.
            taken = {path.partition("/")[0] for path in found.values()}
            for name in sorted(set(folders) - taken, key=natural, reverse=True):
                try:
                    waiting.append(self._enter(directory, name))
                except TransferError:  # a link back up, where all was looked at already
                    continue

    def _find_folder(self, directory: _Directory, name: str) -> str | None:
        """Give the path of a named folder in another one, whose names may differ in case and form."""
        steps: list[str] = []
        for step in name.split("/") if name != "." else ():
            folders, _ = self._list("/".join(filter(None, (directory.path, *steps))), [])
            # macOS decomposes accents, and Windows does not tell cases apart: the nearest form counts, if it is one.
            same = [each for each in folders if normalize("NFC", each) == normalize("NFC", step)]
            near = same or [each for each in folders if fold(each) == fold(step)]
            if len(near) != 1:
                return None
            steps += near
        return "/".join(steps) or None

    def _outside(self) -> Iterator[FolderProblem]:
        """Tell of what lies beside the sub-folders of the specifications."""
        files: list[str] = []
        folders, problem = self._list("", files)
        if problem is not None:
            yield problem
        wanted = [spec.name for spec in self.specs]
        named = ", ".join(self.named.values())
        for name in sorted(files, key=natural):
            yield FolderProblem(
                name, TransferError(f"{name!r} lies beside the sub-folders {named}, not in one of them")
            )
        for name in sorted({*folders}.difference(self.named.values()), key=natural):
            hint = did_you_mean(name, wanted)
            words = f"the folder {name!r} is named after no file specification{hint}: {', '.join(wanted)}"
            yield FolderProblem(name, TransferError(words))

    def _units_in(
        self, directories: Sequence[_Directory], below: dict[str, list[_Directory]], *, own: frozenset[str]
    ) -> Iterator[Unit | FolderProblem]:
        """Give the units of files that lie in these places, which stand for one folder, and note what is below it.

        Those that are begun with by their *own* are left out below.
        """
        names: list[str] = []
        folders: list[tuple[str, _Directory]] = []
        # All names of one folder are needed before the first unit: its partner may come last. `\0` is in no name.
        for number, directory in enumerate(directories):
            inner, problem = self._list(directory.path, names, mark=f"\0{number}")
            if problem is not None:
                yield problem
            folders += [
                (name, directory) for name in inner if not directory.flat and directory.below(name) not in own
            ]
        for group in stem_groups(names, alone=len(self.specs) == 1):
            yield from self._units_of_group(group, directories)
        same = _name_key(folders)
        for name, directory in sorted(folders, key=lambda folder: natural(folder[0])):
            try:
                inside = self._enter(directory, name)
            except TransferError as error:
                yield FolderProblem(directory.below(name), error)
            else:
                below.setdefault(same(name), []).append(inside)

    def _units_of_group(
        self, entries: Iterable[str], directories: Sequence[_Directory]
    ) -> Iterator[Unit | FolderProblem]:
        """Give the units of files whose stems say that they may belong together."""
        files: list[TypedFile] = []
        for name, _, number in (entry.partition("\0") for entry in entries):
            directory = directories[int(number)]
            path = directory.below(name)
            try:
                if is_temporary_name(path):
                    raise TransferError(f"{path!r} was left by a download that did not end, or by an editor")
                files.append(
                    TypedFile(
                        path,
                        self._by_type(path) if directory.spec is None else self._fits(path, directory.spec),
                    )
                )
            except TransferError as error:
                yield FolderProblem(path, error)
        yield from pair_files(files, self.specs)

    def _list(self, path: str, files: list[str], *, mark: str = "") -> tuple[list[str], FolderProblem | None]:
        """Add the files of a folder that are looked at to *files*, and give its folders, as far as it can be read."""
        folders: list[str] = []
        inside = f"{path}/" if path else ""
        try:
            for name, is_folder in folder_tree.entries(self.root / path if path else self.root):
                if is_folder:
                    if self.patterns.has_folder(inside + name):
                        folders.append(name)
                elif self.patterns.has_file(inside + name):
                    files.append(name + mark)
        except TransferError as error:
            # One folder that cannot be read is one line of the report, not the end of the run.
            return folders, FolderProblem(path, error)
        return folders, None

    def _enter(self, directory: _Directory, name: str) -> _Directory:
        """Go into a folder, unless that leads back to one that it lies in."""
        path = directory.below(name)
        # By device and inode: a link has another path than the folder it leads to.
        own = folder_tree.identity(self.root / path)
        parents = directory.parents
        while parents is not None:
            if parents[0] == own:
                raise TransferError(f"{path!r} is a link to a folder that it lies in")
            parents = parents[1]
        return attrs.evolve(directory, path=path, parents=(own, directory.parents))

    def _fits(self, path: str, number: int) -> tuple[int]:
        """Hold a file against the specification in whose sub-folder it lies."""
        wanted = self.specs[number]
        if not may_be(wanted.file_type, path):
            raise TransferError(
                f"{path!r} {_describe_types(path)}, and {wanted.name} takes {wanted.file_type} files"
            )
        return (number,)

    def _by_type(self, path: str) -> tuple[int, ...]:
        """Tell by its type which specifications a file may be for, the likeliest first."""
        found = tuple(self.types[kind] for kind in file_types_of(path) if kind in self.types)
        if not found:
            asked = ", ".join(f"{spec.name} ({spec.file_type})" for spec in self.specs)
            raise TransferError(f"{path!r} {_describe_types(path)}, and the collection takes {asked}")
        return found

    def _item(self, paths: Unit) -> str | FolderProblem:
        lacking = [spec.name for n, spec in enumerate(self.specs) if spec.required and n not in paths]
        if lacking:
            path = next(iter(paths.values()))
            words = f"{path!r} has no partner of the same stem: a unit needs {', '.join(lacking)} as well"
            return FolderProblem(path, MappingError(words))
        return "\0".join(paths.get(number, "") for number in range(len(self.specs)))


def _name_key(folders: Sequence[tuple[str, _Directory]]) -> Any:
    """Tell which names of folders below several places are the same one: by case only where that says it clearly."""
    folded = [(fold(name), id(directory)) for name, directory in folders]
    if len(set(folded)) == len(folded):
        firsts: dict[str, str] = {}
        for name, _ in folders:
            firsts.setdefault(fold(name), normalize("NFC", name))
        return lambda name: firsts[fold(name)]
    return lambda name: normalize("NFC", name)


def _describe_types(path: str) -> str:
    kinds = file_types_of(path)
    return f"is {' or '.join(kinds)} by its name" if kinds else "does not show by its name what it is"
