"""Pictures that would go up without the labels that lie beside them, noticed before anything is sent."""

from __future__ import annotations

import re

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, TypeAlias

import attrs

from synapse.errors import TransferError
from synapse.uploads.file_types import Spec
from synapse.uploads.pairing import fold, stem_of

Unit: TypeAlias = dict[int, str]
Specs: TypeAlias = Sequence[Spec]

_LABELS: Final = frozenset({"data", "text"})
_STEMS_KEPT: Final = 50
# Stems of files that tell of a whole data set, of YOLO, COCO, KITTI, VIA and others: they are nobody's labels.
_ABOUT_ALL_WORDS: Final = (
    "annotation annotations calib calibration camera cameras categories changelog checksum checksums class_names "
    "classes coco config configuration credits data dataset extrinsics file_list image_list index info intrinsics "
    "label_map labelmap labels licence license list manifest md5sum md5sums metadata names notes obj package "
    "predefined_classes readme requirements result results settings sha1sums sha256sums test train trainval val valid "
    "validation"
)
_ABOUT_ALL: Final = frozenset(_ABOUT_ALL_WORDS.split())
_ABOUT_ALL_STARTS: Final = (
    "captions_",
    "image_info_",
    "instances_",
    "panoptic_",
    "person_keypoints_",
    "synset",
    "via_",
)
_FOR_LABELS: Final = (
    re.compile(r"label|annot|anno?s?$|gt|ground_?truth", re.IGNORECASE),
    re.compile(r"calib|meta|json|xml|txt", re.IGNORECASE),
)
_FOR_MASKS: Final = re.compile(r"mask|segm|label|annot|^gt|ground_?truth|depth|disp", re.IGNORECASE)


@attrs.frozen
class UniformFolder:
    """A folder whose files are all for the same specifications."""

    path: str
    specs: frozenset[int]
    example: str
    stems: frozenset[str]

    @property
    def parts(self) -> tuple[str, ...]:
        """Its path, step by step."""
        return tuple(self.path.split("/")) if self.path else ()


def check_unpaired(root: Path, found: Iterable[tuple[str, Unit]], *, specs: Specs) -> None:
    """Refuse units of which some lack what others are alone with, in one folder or in a pair of folders.

    *found* gives each unit below *root* with the folder that it lies in, folder by folder.
    """
    folders_of_one_kind: list[UniformFolder] = []
    for path, group in groupby(found, key=lambda each: each[0]):
        kinds = _kinds((unit for _, unit in group), specs)
        for first, second in _disjoint(kinds, specs):
            # A pipe, or a link to nothing, is no picture that could be sent.
            if any((root / path).is_file() for path in kinds[first]):
                raise _refusal(first, second, kinds[first][0], kinds[second][0], specs=specs)
        if len(kinds) == 1:
            [(own, paths)] = kinds.items()
            folders_of_one_kind.append(
                UniformFolder(path, own, paths[0], frozenset(each for path in paths for each in _stems(path)))
            )
    if pairs := list(_label_folders(folders_of_one_kind, specs)):
        pictures, labels = min(pairs, key=lambda pair: _rank(pair[1].parts[-1:]))
        names = [specs[min(folder.specs)].name for folder in (pictures, labels)]
        folders = dict(zip(names, _steps(pictures, labels), strict=True))
        raise _refusal(
            pictures.specs, labels.specs, pictures.example, labels.example, specs=specs, folders=folders
        )
    for pictures, masks, other in _mask_folders(folders_of_one_kind, specs):
        folders = dict(
            zip((specs[min(pictures.specs)].name, other.name), _steps(pictures, masks), strict=True)
        )
        raise TransferError(
            f"{masks.example!r} would be sent as a unit of its own, beside {pictures.example!r}, and not as its "
            f"{other.name}: {_pairing(folders)}"
        )


def _kinds(units: Iterable[Unit], specs: Specs) -> dict[frozenset[int], list[str]]:
    """Sort units by the specifications that they have files for; of each some paths are kept."""
    kinds: dict[frozenset[int], list[str]] = defaultdict(list)
    for unit in units:
        path, own = next(iter(unit.values())), frozenset(unit)
        if len(unit) == 1 and _is_about_all(path) and _is_labels(own, specs):
            continue
        paths = kinds[own]
        if len(paths) < _STEMS_KEPT:
            paths.append(path)
    return kinds


def _is_about_all(path: str) -> bool:
    stem = stem_of(path.rpartition("/")[2]).casefold()
    return (
        stem.removeprefix("_") in _ABOUT_ALL
        or stem.startswith(_ABOUT_ALL_STARTS)
        or stem.endswith("annotations.coco")
    )


def _disjoint(
    kinds: Iterable[frozenset[int]], specs: Specs
) -> Iterator[tuple[frozenset[int], frozenset[int]]]:
    """Give those that have nothing in common, one of which can be sent and one of which is labels."""
    each = list(kinds)
    for first in each:
        for second in each:
            if first.isdisjoint(second) and _can_be_sent(first, specs) and _is_labels(second, specs):
                yield first, second


def _can_be_sent(unit: frozenset[int], specs: Specs) -> bool:
    return all(number in unit for number, spec in enumerate(specs) if spec.required)


def _is_labels(unit: frozenset[int], specs: Specs) -> bool:
    return not _can_be_sent(unit, specs) or all(specs[number].file_type in _LABELS for number in unit)


def _label_folders(
    folders_of_one_kind: Sequence[UniformFolder], specs: Specs
) -> Iterator[tuple[UniformFolder, UniformFolder]]:
    """Give folders of pictures and of their labels: they share stems, or the name of one says so."""
    for together in _with_similar_paths(folders_of_one_kind):
        pictures = [folder for folder in together if _can_be_sent(folder.specs, specs)]
        labels = [folder for folder in together if _is_labels(folder.specs, specs)]
        for second in sorted(labels, key=lambda folder: _rank(folder.parts[-1:])):
            if first := next((folder for folder in pictures if _are_pair(folder, second)), None):
                yield first, second
                break


def _mask_folders(
    folders_of_one_kind: Sequence[UniformFolder], specs: Specs
) -> Iterator[tuple[UniformFolder, UniformFolder, Spec]]:
    """Give folders of pictures and of what goes by its name as masks, for which there is another specification."""
    for together in _with_similar_paths(folders_of_one_kind):
        for second in together:
            if len(second.specs) > 1 or not _FOR_MASKS.search(second.parts[-1] if second.parts else ""):
                continue
            own = specs[min(second.specs)]
            others = [spec for spec in specs if spec.file_type == own.file_type and spec is not own]
            same = (folder for folder in together if folder.specs == second.specs and folder is not second)
            first = next((folder for folder in same if not folder.stems.isdisjoint(second.stems)), None)
            if others and first is not None and not _FOR_MASKS.search(first.path.rpartition("/")[2]):
                yield first, second, others[0]


def _with_similar_paths(folders_of_one_kind: Sequence[UniformFolder]) -> Iterable[list[UniformFolder]]:
    """Give folders together whose paths differ in one step."""
    similar: dict[tuple[str | None, ...], list[UniformFolder]] = defaultdict(list)
    for folder in folders_of_one_kind:
        parts = folder.parts
        for index in range(len(parts)):
            similar[(*parts[:index], None, *parts[index + 1 :])].append(folder)
        similar[(*parts, None)].append(folder)
    return similar.values()


def _are_pair(pictures: UniformFolder, labels: UniformFolder) -> bool:
    if not pictures.specs.isdisjoint(labels.specs):
        return False
    steps = set(labels.parts).difference(pictures.parts)
    return not pictures.stems.isdisjoint(labels.stems) or _rank(steps) < len(_FOR_LABELS)


def _rank(names: Iterable[str]) -> int:
    """Tell how clearly one of these names is that of a folder for labels."""
    ranks = (rank for name in names for rank, words in enumerate(_FOR_LABELS) if words.match(name))
    return min(ranks, default=len(_FOR_LABELS))


def _stems(path: str) -> tuple[str, str]:
    stem = stem_of(path.rpartition("/")[2])
    return fold(stem), fold(stem_of(stem))


def _steps(first: UniformFolder, second: UniformFolder) -> tuple[str, str]:
    """Give the steps in which two paths differ; `"."` is that of a folder which the other one lies in."""
    if len(first.parts) == len(second.parts):
        pairs = zip(first.parts, second.parts, strict=True)
        return next(pair for pair in pairs if pair[0] != pair[1])
    deeper = len(first.parts) > len(second.parts)
    return (first.parts[-1], ".") if deeper else (".", second.parts[-1])


def _pairing(folders: dict[str, str] | None) -> str:
    how = (
        f"say folders={folders} to pair these folders"
        if folders
        else "rename what belongs together to one stem, or give items, {'files': {…}}"
    )
    return (
        f"{how}. If they do not belong together, allow_unpaired=True sends them as they are. Nothing was sent"
    )


def _refusal(
    sent: frozenset[int],
    labels: frozenset[int],
    picture: str,
    label: str,
    *,
    specs: Specs,
    folders: dict[str, str] | None = None,
) -> TransferError:
    lacking, alone = (" and ".join(specs[number].name for number in sorted(each)) for each in (labels, sent))
    return TransferError(
        f"{picture!r} would be sent without {lacking}, and {label!r} lies there without {alone}: {_pairing(folders)}"
    )
