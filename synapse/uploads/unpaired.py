"""Notice, before anything is sent, pictures that would go up without the labels that lie beside them."""

from __future__ import annotations

import re

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, permutations
from operator import itemgetter
from typing import Final, TypeAlias

import attrs

from synapse.errors import TransferError
from synapse.uploads.file_types import Spec
from synapse.uploads.folder_tree import Folder
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
    """A folder whose files are all for the same `specs`: its path step by step, one of its files, and its stems."""

    parts: tuple[str, ...]
    specs: frozenset[int]
    example: str
    stems: frozenset[str]

    @property
    def name(self) -> str:
        """Its own name, empty for the folder that was given."""
        return self.parts[-1] if self.parts else ""


def check_unpaired(root: Folder, found: Iterable[tuple[str, Unit]], *, specs: Specs) -> None:
    """Refuse units of which some lack what others are alone with, in one folder or in a pair of folders.

    *found* gives each unit below *root* with the folder that it lies in, folder by folder.
    """
    uniform: list[UniformFolder] = []
    for path, group in groupby(found, key=itemgetter(0)):
        kinds = _kinds((unit for _, unit in group), specs)
        for first, second in permutations(kinds, 2):
            fits = first.isdisjoint(second) and _can_be_sent(first, specs) and _is_labels(second, specs)
            # A pipe, or a link to nothing, is no picture that could be sent.
            if fits and any((root / each).is_file() for each in kinds[first]):
                raise _refusal(first, second, examples=(kinds[first][0], kinds[second][0]), specs=specs)
        if len(kinds) == 1:
            [(own, paths)] = kinds.items()
            stems = frozenset(stem for each in paths for stem in _stems(each))
            uniform.append(UniformFolder(tuple(filter(None, path.split("/"))), own, paths[0], stems))
    if pairs := list(_label_folders(uniform, specs)):
        pictures, labels = min(pairs, key=lambda pair: _rank([pair[1].name]))
        folders = _named_steps(pictures, labels, [specs[min(each.specs)] for each in (pictures, labels)])
        examples = (pictures.example, labels.example)
        raise _refusal(pictures.specs, labels.specs, examples=examples, specs=specs, folders=folders)
    for pictures, masks, other in _mask_folders(uniform, specs):
        folders = _named_steps(pictures, masks, [specs[min(pictures.specs)], other])
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
        # A folder of a million pictures is not held in memory: some stems tell whether two folders share them.
        if len(paths) < _STEMS_KEPT:
            paths.append(path)
    return kinds


def _is_about_all(path: str) -> bool:
    stem = stem_of(path.rpartition("/")[2]).casefold()
    known = stem.removeprefix("_") in _ABOUT_ALL or stem.endswith("annotations.coco")
    return known or stem.startswith(_ABOUT_ALL_STARTS)


def _can_be_sent(unit: frozenset[int], specs: Specs) -> bool:
    return all(number in unit for number, spec in enumerate(specs) if spec.required)


def _is_labels(unit: frozenset[int], specs: Specs) -> bool:
    return not _can_be_sent(unit, specs) or all(specs[number].file_type in _LABELS for number in unit)


def _label_folders(
    uniform: Sequence[UniformFolder], specs: Specs
) -> Iterator[tuple[UniformFolder, UniformFolder]]:
    """Give folders of pictures and of their labels: they share stems, or the name of one says so."""
    for together in _with_similar_paths(uniform):
        pictures = [folder for folder in together if _can_be_sent(folder.specs, specs)]
        labels = [folder for folder in together if _is_labels(folder.specs, specs)]
        # KITTI has calib/ beside label_2/: the one that is surely labels is named in the message.
        for second in sorted(labels, key=lambda folder: _rank([folder.name])):
            if first := next((folder for folder in pictures if _are_pair(folder, second)), None):
                yield first, second
                break


def _mask_folders(
    uniform: Sequence[UniformFolder], specs: Specs
) -> Iterator[tuple[UniformFolder, UniformFolder, Spec]]:
    """Give folders of pictures and of what goes by its name as masks, for which there is another specification."""
    # With two specifications for images, a mask that lies apart looks like a picture of its own.
    for together in _with_similar_paths(uniform):
        for second in together:
            if len(second.specs) > 1 or not _FOR_MASKS.search(second.name):
                continue
            own = specs[min(second.specs)]
            others = [spec for spec in specs if spec.file_type == own.file_type and spec is not own]
            same = (folder for folder in together if folder.specs == second.specs and folder is not second)
            first = next((folder for folder in same if not folder.stems.isdisjoint(second.stems)), None)
            if others and first is not None and not _FOR_MASKS.search(first.name):
                yield first, second, others[0]


def _with_similar_paths(uniform: Sequence[UniformFolder]) -> Iterable[list[UniformFolder]]:
    """Give folders together whose paths differ in one step, as `train/images` and `train/labels` do."""
    similar: dict[tuple[str | None, ...], list[UniformFolder]] = defaultdict(list)
    for folder in uniform:
        parts = folder.parts
        for index in range(len(parts)):
            similar[(*parts[:index], None, *parts[index + 1 :])].append(folder)
        similar[(*parts, None)].append(folder)
    return similar.values()


def _are_pair(pictures: UniformFolder, labels: UniformFolder) -> bool:
    if not pictures.specs.isdisjoint(labels.specs):
        return False
    # Either is enough: one label file for many pictures shares no stem, and a folder of labels may have any name.
    steps = set(labels.parts).difference(pictures.parts)
    return not pictures.stems.isdisjoint(labels.stems) or _rank(steps) < len(_FOR_LABELS)


def _rank(names: Iterable[str]) -> int:
    """Tell how clearly one of these names is that of a folder for labels."""
    ranks = (rank for name in names for rank, words in enumerate(_FOR_LABELS) if words.match(name))
    return min(ranks, default=len(_FOR_LABELS))


def _stems(path: str) -> tuple[str, str]:
    stem = stem_of(path.rpartition("/")[2])
    return fold(stem), fold(stem_of(stem))


def _named_steps(first: UniformFolder, second: UniformFolder, specs: Specs) -> dict[str, str]:
    """Name the steps in which two paths differ, as `folders=` takes them; `"."` is the folder that holds the other."""
    if len(first.parts) == len(second.parts):
        steps = next(pair for pair in zip(first.parts, second.parts, strict=True) if pair[0] != pair[1])
    else:
        deeper = len(first.parts) > len(second.parts)
        steps = (first.name, ".") if deeper else (".", second.name)
    return {spec.name: step for spec, step in zip(specs, steps, strict=True)}


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
    *,
    examples: tuple[str, str],
    specs: Specs,
    folders: dict[str, str] | None = None,
) -> TransferError:
    lacking, alone = (" and ".join(specs[number].name for number in sorted(each)) for each in (labels, sent))
    return TransferError(
        f"{examples[0]!r} would be sent without {lacking}, and {examples[1]!r} lies there without {alone}: "
        f"{_pairing(folders)}"
    )
