"""What a user gives as one item, checked as a whole before anything of it is sent."""

from __future__ import annotations

import os

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from synapse.errors import MappingError, TransferError, describe, did_you_mean
from synapse.mapping.codecs import Misfit, check_json
from synapse.mapping.json import detached
from synapse.transfer.places import check_root, place_of
from synapse.transfer.signs import check_fits
from synapse.transfer.source import PathLike, Source
from synapse.transfer.specifications import Spec, by_specification
from synapse.values import user_path

_KEYS: Final = ("files", "meta", "groups")


@attrs.frozen
class Part:
    """One file of an item, and the path that the backend remembers it by."""

    source: Source
    path: str


@attrs.frozen
class Plan:
    """The files of one item by their specifications, and what is known of them."""

    parts: dict[str, Part]
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


def plan_of(
    item: Any, specs: Sequence[Spec], *, root: PathLike | None = None, check_content: bool = True
) -> Plan:
    """Check an item and look at its files; what cannot be is a `TransferError` or a `MappingError`."""
    check_root(root)
    files, meta, groups = _read(item)
    by_name = {spec.name: spec for spec in specs}
    required = [spec.name for spec in specs if spec.required]
    named = by_specification(files, names=list(by_name), required=required)
    parts: dict[str, Part] = {}
    for name, path in named.items():
        source = Source.of(path)
        if check_content:
            check_fits(source, by_name[name])
        parts[name] = Part(source, place_of(path, root))
    return Plan(parts, meta, groups)


def as_given(item: Any) -> Any:
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
    try:
        return user_path(path).stat().st_size if isinstance(path, str | os.PathLike) else 0
    except (OSError, ValueError, TransferError):
        return 0


def _read(item: Any) -> tuple[Any, dict[str, Any], list[str]]:
    if isinstance(item, str | os.PathLike):
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
