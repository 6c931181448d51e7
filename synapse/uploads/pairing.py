"""Which files of one folder are one unit: those of one stem, as exactly as their names allow."""

from __future__ import annotations

import re

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final
from unicodedata import normalize

import attrs

from synapse.errors import SynapseError, TransferError
from synapse.uploads.file_types import Spec

_DIGITS: Final = re.compile("[0-9]+")


@attrs.frozen
class TypedFile:
    """A file, and the places of the specifications that it may be for, the likeliest first."""

    path: str
    specs: tuple[int, ...]

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.rpartition("/")[2]


@attrs.frozen
class FolderProblem:
    """A file or folder that is no item, and why not."""

    path: str
    error: SynapseError


def stem_of(name: str) -> str:
    """Give the stem that the files of a unit share, whether it is composed or not, as some systems write it.

    >>> stem_of("a.b.png"), stem_of("README")
    ('a.b', 'README')
    """
    stem = name.rpartition(".")[0] or name
    return stem if stem.isascii() else normalize("NFC", stem)


def stem_groups(entries: list[str], *, alone: bool) -> Iterator[list[str]]:
    """Group entries `name\\0mark` of one folder that may be one unit, in natural order, and empty the list.

    Beside the same stem, `a.jpg.json` goes with `a.jpg`, and `IMG_1.JPG` with `img_1.json`, unless files make units
    *alone*.
    """
    owners = {} if alone else _stem_owners(entries)

    def owner_of(entry: str) -> str:
        stem = stem_of(entry.partition("\0")[0])
        return owners.get(stem, stem)

    # Sorted backwards and popped from the end, the list shrinks while it is read: a folder may hold millions of names.
    entries.sort(key=lambda entry: f"{natural(owner_of(entry))}\0{owner_of(entry)}\0{entry}", reverse=True)
    for _, group in groupby(_popped(entries), key=owner_of):
        yield list(group)


def pair_files(files: Sequence[TypedFile], specs: Sequence[Spec]) -> Iterator[dict[int, str] | FolderProblem]:
    """Make units of a family, as paths by the places of specifications.

    Files of one stem are one unit; what nearly has a stem goes where just one fits.
    """
    clusters: dict[str, list[TypedFile]] = {}
    for file in files:
        clusters.setdefault(stem_of(file.name), []).append(file)
    if len(clusters) > 1:
        _attach(clusters, specs)
        if unclear := _join(clusters, specs):
            yield unclear
    for cluster in sorted(clusters.values(), key=lambda files: files[0].path):
        yield from _joined(_assigned(cluster, specs), specs)


def natural(name: str) -> str:
    """Spell a name so that it sorts as people count: `a2` before `a10`, whatever form its accents have.

    >>> sorted(["a10", "a2", "a1"], key=natural)
    ['a1', 'a2', 'a10']
    """
    return _DIGITS.sub(_counted, name if name.isascii() else normalize("NFC", name))


def fold(name: str) -> str:
    """Spell a name without its case."""
    return normalize("NFC", name).casefold()


def _counted(match: re.Match[str]) -> str:
    # The number of digits goes before them, so that plain text order is the order of the numbers.
    digits = match[0].lstrip("0")
    return f"0{chr(len(digits) + 1)}{digits}"


def _popped(entries: list[str]) -> Iterator[str]:
    while entries:
        yield entries.pop()


def _stem_owners(entries: Sequence[str]) -> dict[str, str]:
    """Give the stems that go by another one."""
    names = [entry.partition("\0")[0] for entry in entries]
    # Only a stem with a dot can be the name of a file.
    dotted = any("." in stem_of(name) for name in names)
    files = {fold(name): stem_of(name) for name in names} if dotted else {}
    firsts: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name in sorted(names):
        stem = base = stem_of(name)
        while (owner := files.get(fold(base), base)) != base:
            base = owner
        owner_files = firsts.setdefault(fold(base), base)
        if owner_files != stem:
            owners[stem] = owner_files
    return owners


def _attach(clusters: dict[str, list[TypedFile]], specs: Sequence[Spec]) -> None:
    """Put `a.jpg.json` to `a.jpg`, and to what else has the stem of that, unless it is one of several pictures."""
    for stem in list(clusters):
        others = [file for each, files in clusters.items() if each != stem for file in files]
        matching = [file for file in others if normalize("NFC", file.name) == stem]
        matching = matching or [file for file in others if fold(file.name) == fold(stem)]
        if len({file.name for file in matching}) != 1:
            continue
        owner_files = clusters.get(stem_of(matching[0].name), [])
        if matching[0] not in owner_files:
            continue
        labels = clusters.pop(stem)
        if len({spec for spec, _ in _assigned(owner_files, specs)}) == 1 and len(owner_files) > len(matching):
            owner_files[:] = [file for file in owner_files if file not in matching]
            clusters[stem] = [*matching, *labels]
        else:
            owner_files += labels


def _join(clusters: dict[str, list[TypedFile]], specs: Sequence[Spec]) -> FolderProblem | None:
    """Join what differs in case only and lacks what the other has; where more than one fits, nobody can tell."""
    kinds = {stem: {spec for spec, _ in _assigned(files, specs)} for stem, files in clusters.items()}
    # Linux keeps `A.jpg` and `a.jpg` apart: only what lacks its other half is joined across cases.
    halves = [stem for stem, own in kinds.items() if any(map(own.isdisjoint, kinds.values()))]
    if not halves:
        return None
    files = [file for stem in halves for file in clusters.pop(stem)]
    if len(files) == len(set().union(*(kinds[stem] for stem in halves))):
        clusters[halves[0]] = files
        return None
    shown = ", ".join(repr(file.path) for file in files)
    words = f"{shown} differ in the case of their names, and more than two fit together: rename them"
    return FolderProblem(files[0].path, TransferError(words))


def _assigned(files: Sequence[TypedFile], specs: Sequence[Spec]) -> list[tuple[int, TypedFile]]:
    """Give each file a specification: its likeliest, but one that is required, or that another has, is served first."""
    chosen = [file.specs[0] for file in files]
    # Of `1.bin 1.json`, bin may be data or a point cloud, and json only data: so bin is the point cloud.
    for wanted in dict.fromkeys(spec for file in files for spec in file.specs):
        if wanted in chosen:
            continue
        able = [number for number, file in enumerate(files) if wanted in file.specs]
        movable = [number for number in able if chosen.count(chosen[number]) > 1]
        if specs[wanted].required and not movable:
            movable = [number for number in able if not specs[chosen[number]].required]
        # With two to choose from, the choice would be ours: both stay, and the unit is told as unclear.
        if len(movable) == 1:
            chosen[movable[0]] = wanted
    return list(zip(chosen, files, strict=True))


def _joined(
    files: Sequence[tuple[int, TypedFile]], specs: Sequence[Spec]
) -> Iterator[dict[int, str] | FolderProblem]:
    """Make the files of one stem one unit, if they are for different specifications."""
    numbers = [spec for spec, _ in files]
    if len(set(numbers)) == 1:
        for spec, file in files:
            yield {spec: file.path}
    elif len(set(numbers)) < len(numbers):
        double = next(specs[spec].name for spec in numbers if numbers.count(spec) > 1)
        shown = " and ".join(repr(file.path) for _, file in files)
        words = f"{shown} are one stem, with two files for {double}"
        yield FolderProblem(files[0][1].path, TransferError(words))
    else:
        yield {spec: file.path for spec, file in files}
