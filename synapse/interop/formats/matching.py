"""Which labels are those of which picture."""

from __future__ import annotations

import os

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from synapse.errors import QueryError, TransferError, describe
from synapse.interop.formats.problems import Problem
from synapse.interop.formats.report import ReportEntry
from synapse.interop.formats.sources import PictureLabels, Source, key_of, labels_of
from synapse.interop.formats.yolo import Kind
from synapse.values import is_many, user_path

MATCHES: Final = ("stem", "name", "id")
_MATCHED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("coco", "jsonl"),
    "name": ("coco", "voc", "imagefolder", "jsonl"),
}
_TOLD: Final = {"id": "keys of tasks", "name": "endings of names"}


def one_of(name: str, value: object, *, known: Sequence[str]) -> Any:
    """Take one of the values that there are; `QueryError` for another one."""
    if value not in known:
        raise QueryError(
            f"{name} takes {', '.join(map(repr, known))}, got {describe(value)}; nothing was sent"
        )
    return value


def check_match(match: object, format: str) -> None:
    """Refuse a way to match that there isn't, or that needs what a format's labels don't tell."""
    if callable(match) or one_of("match", match, known=MATCHES) == "stem":
        return
    if format not in _MATCHED_BY[str(match)]:
        holding = ", ".join(_MATCHED_BY[str(match)])
        raise QueryError(
            f"match={match!r}: labels of the format {format!r} tell no {_TOLD[str(match)]}, those of {holding} do. "
            "Nothing was sent"
        )


def open_source(source: object, *, kind: Kind, classes: object = None) -> Source:
    """Take the path of a folder or a file with labels."""
    if not isinstance(source, str | os.PathLike) or not os.fspath(source):
        raise TransferError(
            f"labels are read from a folder or a file, given by its path, not from {describe(source)}"
        )
    root = user_path(os.fsdecode(source))
    if not root.exists():
        raise TransferError(f"there is no {str(root)!r} to read labels from; nothing was sent")
    if classes is not None and (
        not is_many(classes) or not all(isinstance(each, str) and each for each in classes)
    ):
        raise QueryError(
            f"classes takes the names of classes in order, got {describe(classes)}; nothing was sent"
        )
    listed: Any = classes
    return Source(root=root, kind=kind, classes=None if classes is None else tuple(listed))


@attrs.frozen
class Index:
    """All labels by what a picture is matched by, and what of them can't be used."""

    labels: Mapping[object, PictureLabels]
    problems: Sequence[ReportEntry]


def index_of(source: Source, format: str, *, match: object = "stem") -> Index:
    """Read all labels; of two for one picture, neither is used."""
    problems: list[ReportEntry] = []
    found: dict[object, PictureLabels] = {}
    doubled = set()
    for each in labels_of(source, format):
        if isinstance(each, Problem):
            problems.append(ReportEntry(None, each.reason, path=each.path))
            continue
        key = each.key if match == "id" else _name_key(each, match)
        reason = ""
        if not isinstance(key, int | str):
            reason = "it has no id that a task could be found by"
        elif key in found:
            doubled.add(key)
            reason = f"{found[key].path} is for a picture of this name as well; neither is used"
        else:
            found[key] = each
        if reason:
            problems.append(ReportEntry(None, reason, path=each.path))
    return Index({key: each for key, each in found.items() if key not in doubled}, problems)


def _name_key(labels: PictureLabels, match: object) -> str:
    return key_of(labels.name, match=match_by(match), has_ending=labels.has_ending)


def match_by(match: object) -> str:
    """Give the part of a name that counts; calls give names whose ending doesn't."""
    return match if isinstance(match, str) and match in MATCHES else "stem"
