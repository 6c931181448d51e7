"""Create data units in batches: all or nothing, by a number of queries that does not grow with the batch."""

from __future__ import annotations

import hashlib

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from django.db import IntegrityError
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import metaschemas
from .kinds import fits
from .models import (
    DataCollection,
    DataFile,
    DataUnit,
    DataUnitFile,
    DataUnitGroup,
    FileSpecification,
    Tenant,
)
from .representation import represent
from .tenancy import tenant_of
from .transactions import write_transaction
from .wording import say

Errors = dict[str, list[str]]
GroupPath = tuple[str, ...]

LARGEST_BATCH: Final = 1000

LONGEST_PATH: Final = 1024


def create_data_units(request: Request) -> Response:
    """Create one unit from an object, or a list of units, in order, from a list."""
    many = isinstance(request.data, list)
    bodies = request.data if many else [request.data]
    if len(bodies) > LARGEST_BATCH:
        raise ValidationError(
            {"non_field_errors": [say("There are more than %(most)s of them.", most=LARGEST_BATCH)]}
        )
    try:
        ids = create_units(bodies, tenant=tenant_of(request))
    except BatchError as error:
        raise ValidationError(error.errors if many else error.errors[0]) from error
    found = DataUnit.objects.in_bulk(set(ids))
    units = [found[pk] for pk in ids]
    rows = represent(units if many else units[0], request)
    return Response(rows, status=status.HTTP_201_CREATED)


class BatchError(Exception):
    """Some items of a batch were refused; `errors` has one mapping per item, empty where it was fine."""

    def __init__(self, errors: list[Errors]) -> None:
        super().__init__("data units refused")
        self.errors = errors


@dataclass
class Item:
    """One requested unit on its way into the database."""

    body: Mapping[str, Any]
    errors: Errors = field(default_factory=dict)
    collection: DataCollection | None = None
    files: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    stored: dict[str, DataFile] = field(default_factory=dict)

    @property
    def meta(self) -> dict[str, Any]:
        return self.body.get("meta") or {}

    @property
    def groups(self) -> GroupPath:
        return tuple(self.body.get("groups") or ())

    @property
    def composition(self) -> str:
        """Digest the unit's content: which file is bound under which name."""
        parts = sorted(f"{name}\0{stored.checksum}" for name, stored in self.stored.items())
        return hashlib.md5("\n".join(parts).encode(), usedforsecurity=False).hexdigest()


def create_units(bodies: Sequence[Any], *, tenant: Tenant) -> list[int]:
    """Create or reuse a unit per body and return their ids in the order asked; all of them, or none."""
    items = [read_item(body) for body in bodies]
    collections = _collections_of(items, tenant=tenant)
    stored = _stored_files(items, tenant=tenant)
    for item in items:
        _check(item, collections, stored)
    _check_metas([item for item in items if "meta" not in item.errors])
    if any(item.errors for item in items):
        raise BatchError([item.errors for item in items])
    try:
        return _write(items)
    except IntegrityError:
        # Another request created one of the same units meanwhile: now it is there to be reused.
        return _write(items)


def read_item(body: Any) -> Item:
    """Check the shape of one body."""
    if not isinstance(body, dict):
        return Item(body={}, errors={"non_field_errors": [say("Expected an object.")]})
    item = Item(body=body)
    files, meta, groups = body.get("files"), body.get("meta"), body.get("groups")
    if "data_collection" not in body:
        item.errors["data_collection"] = [say("This field is required.")]
    if files is None:
        item.errors["files"] = [say("This field is required.")]
    elif not isinstance(files, dict) or not all(_is_entry(entry) for entry in files.values()):
        item.errors["files"] = [say('Expected {name: {"checksum": string, "path": string}}.')]
    else:
        item.files = files
    if meta is not None and not isinstance(meta, dict):
        item.errors["meta"] = [say("Expected an object.")]
    if groups is not None and not _are_names(groups):
        item.errors["groups"] = [say("Expected a list of names.")]
    return item


def _are_names(groups: Any) -> bool:
    return isinstance(groups, list) and all(isinstance(g, str) and 0 < len(g) <= 200 for g in groups)


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("checksum"), str)
        and isinstance(entry.get("path", ""), str)
    )


def _collections_of(items: Iterable[Item], *, tenant: Tenant) -> dict[int, DataCollection]:
    asked = {pk for item in items if (pk := _key(item.body.get("data_collection"))) is not None}
    found = DataCollection.objects.filter(tenant=tenant, pk__in=asked)
    return {collection.pk: collection for collection in found.prefetch_related("file_specifications")}


def _key(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _stored_files(items: Iterable[Item], *, tenant: Tenant) -> dict[str, DataFile]:
    asked = {entry["checksum"] for item in items for entry in item.files.values()}
    return {stored.checksum: stored for stored in DataFile.objects.filter(tenant=tenant, checksum__in=asked)}


def _check(item: Item, collections: Mapping[int, DataCollection], stored: Mapping[str, DataFile]) -> None:
    """Hold one item against its collection's rules and note every fault."""
    if "data_collection" in item.body:
        asked = item.body["data_collection"]
        item.collection = collections.get(_key(asked) or 0)
        if item.collection is None:
            item.errors["data_collection"] = [f'Invalid pk "{asked}" - object does not exist.']
    if item.collection is None or item.errors:
        return
    specifications = {spec.name: spec for spec in item.collection.file_specifications.all()}
    faults = [
        say("Unknown file specification “%(name)s”.", name=name)
        for name in item.files
        if name not in specifications
    ]
    faults += [
        say("Required file specification “%(name)s” is missing.", name=name)
        for name, spec in specifications.items()
        if spec.is_required and name not in item.files
    ]
    for name, entry in item.files.items():
        if name in specifications:
            faults += _entry_faults(specifications[name], entry, stored.get(entry["checksum"]))
    if faults:
        item.errors["files"] = faults
    item.stored = {name: stored[entry["checksum"]] for name, entry in item.files.items() if not faults}


def _entry_faults(spec: FileSpecification, entry: Mapping[str, Any], stored: DataFile | None) -> list[str]:
    if spec.is_sequential:
        return [say("File specification “%(name)s” is sequential and takes no single file.", name=spec.name)]
    if len(entry.get("path", "")) > LONGEST_PATH:
        return [
            say(
                "The path of “%(name)s” is longer than %(most)s characters.",
                name=spec.name,
                most=LONGEST_PATH,
            )
        ]
    if stored is None:
        return [say("No data file has the checksum “%(value)s”.", value=entry["checksum"])]
    extension = PurePosixPath(entry.get("path") or _name_of(stored)).suffix.lower().lstrip(".")
    if not fits(spec.file_type, extension):
        facts = {"name": spec.name, "kind": spec.file_type, "extension": extension}
        return [say("“%(name)s” takes %(kind)s files, not .%(extension)s.", **facts)]
    return []


def _name_of(stored: DataFile) -> str:
    return PurePosixPath(stored.file.name or "").name


def _check_metas(items: Sequence[Item]) -> None:
    """Hold the metas of each collection against the schema that it brings, and note every fault."""
    for collection in {item.collection.pk: item.collection for item in items if item.collection}.values():
        schema = collection.meta.get("data_unit_meta_schema") if isinstance(collection.meta, dict) else None
        if not isinstance(schema, dict):
            continue
        those = [item for item in items if item.collection and item.collection.pk == collection.pk]
        for item, faults in zip(those, _schema_faults(schema, those), strict=True):
            if faults:
                item.errors["meta"] = faults


def _schema_faults(schema: dict[str, Any], items: Sequence[Item]) -> list[list[str]]:
    try:
        return metaschemas.faults_of(schema, [item.meta for item in items])
    except metaschemas.UnusableError:
        fault = say("The data_unit_meta_schema of the data collection cannot be used.")
    except metaschemas.TooSlowError:
        fault = say("The data_unit_meta_schema of the data collection takes too long.")
    return [[fault] for _ in items]


@write_transaction()
def _write(items: Sequence[Item]) -> list[int]:
    pks = sorted({item.collection.pk for item in items})
    # One writer per collection: what is looked up here can't be created by another meanwhile.
    list(DataCollection.objects.select_for_update().filter(pk__in=pks).order_by("pk").values_list("pk"))
    wanted = {(item.collection.pk, item.composition): item for item in items}
    known = _known_units(wanted)
    fresh = {key: item for key, item in wanted.items() if key not in known}
    groups = _groups_for(fresh.values())
    units = {
        key: DataUnit(
            data_collection=item.collection,
            checksum=key[1],
            meta=item.meta,
            group=groups.get((key[0], item.groups)),
        )
        for key, item in fresh.items()
    }
    DataUnit.objects.bulk_create(units.values())
    DataUnitFile.objects.bulk_create(_bindings(fresh, units))
    ids = known | {key: unit.pk for key, unit in units.items()}
    return [ids[item.collection.pk, item.composition] for item in items]


def _known_units(wanted: Mapping[tuple[int, str], Item]) -> dict[tuple[int, str], int]:
    rows = DataUnit.objects.filter(
        data_collection__in={collection for collection, _ in wanted},
        checksum__in={composition for _, composition in wanted},
    )
    return {(row[0], row[1]): row[2] for row in rows.values_list("data_collection_id", "checksum", "pk")}


def _bindings(
    fresh: Mapping[tuple[int, str], Item], units: Mapping[tuple[int, str], DataUnit]
) -> list[DataUnitFile]:
    return [
        DataUnitFile(
            data_unit=units[key],
            specification=spec,
            data_file=item.stored[spec.name],
            path_original=item.files[spec.name].get("path") or _name_of(item.stored[spec.name]),
        )
        for key, item in fresh.items()
        for spec in item.collection.file_specifications.all()
        if spec.name in item.stored
    ]


def _groups_for(items: Iterable[Item]) -> dict[tuple[int, GroupPath], DataUnitGroup]:
    """Get or create the group trees that the items name, level by level."""
    paths = {(item.collection.pk, item.groups) for item in items if item.groups}
    made: dict[tuple[int, GroupPath], DataUnitGroup] = {}
    for depth in range(1, max((len(path) for _, path in paths), default=0) + 1):
        level = {(pk, path[:depth]) for pk, path in paths if len(path) >= depth}
        made |= _group_level(level, made)
    return made


def _group_level(
    level: set[tuple[int, GroupPath]], parents: Mapping[tuple[int, GroupPath], DataUnitGroup]
) -> dict[tuple[int, GroupPath], DataUnitGroup]:
    rows = DataUnitGroup.objects.filter(
        data_collection__in={pk for pk, _ in level}, name__in={path[-1] for _, path in level}
    )
    by_place = {(row.data_collection_id, row.parent_id, row.name): row for row in rows}
    found: dict[tuple[int, GroupPath], DataUnitGroup] = {}
    new: dict[tuple[int, GroupPath], DataUnitGroup] = {}
    for pk, path in sorted(level):
        parent = parents.get((pk, path[:-1]))
        known = by_place.get((pk, parent.pk if parent else None, path[-1]))
        if known is not None:
            found[pk, path] = known
        else:
            new[pk, path] = DataUnitGroup(data_collection_id=pk, parent=parent, name=path[-1])
    DataUnitGroup.objects.bulk_create(new.values())
    return found | new
