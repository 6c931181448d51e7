"""Describe the files of a unit the way the wire does: by specification, or as an array."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from .models import DataUnit, DataUnitFile
from .representation import Column, Context, Read


class UnitFile(NamedTuple):
    """What is to be said about one file in its place."""

    unit: int
    specification: str
    file_type: str
    is_primary: bool
    path_original: str
    meta: dict[str, Any]
    name: str | None
    size: int | None
    stored_meta: dict[str, Any]


FROM = (
    "data_unit_id",
    "specification__name",
    "specification__file_type",
    "specification__is_primary",
    "path_original",
    "meta",
    "data_file__file",
    "data_file__size",
    "data_file__meta",
)
Describe = Callable[[DataUnit | None, Context], Any]


def load_files(units: Sequence[DataUnit]) -> None:
    """Leave on each of *units* its files, in the order of their specifications."""
    files: dict[int, list[UnitFile]] = defaultdict(list)
    rows = DataUnitFile.objects.filter(data_unit__in={unit.pk for unit in units})
    for row in rows.order_by("specification__index", "pk").values_list(*FROM):
        file = UnitFile(*row)
        files[file.unit].append(file)
    for unit in units:
        unit.__dict__["_files"] = files.get(unit.pk, [])


def describe(file: UnitFile, context: Context) -> dict[str, Any]:
    """Return the file-info object of one file in its place."""
    path = file.path_original or file.name or ""
    return {
        "url": context.url(file.name) if file.name else None,
        "meta": {"file_size": file.size, **file.stored_meta, **file.meta},
        "file_name_original": PurePosixPath(path).name,
        "path_original": file.path_original,
        "file_type": file.file_type,
        "is_primary": file.is_primary,
    }


def by_specification(unit: DataUnit | None, context: Context) -> dict[str, Any]:
    """Return the files of *unit* under the names of their specifications; without a unit there are none.

    An object even then: clients of this wire go through its values.
    """
    if unit is None:
        return {}
    return {file.specification: describe(file, context) for file in unit.__dict__["_files"]}


def as_array(unit: DataUnit | None, context: Context) -> list[dict[str, Any]]:
    """Return the files of *unit*, each naming its specification."""
    files = by_specification(unit, context)
    return [{**info, "specification": name} for name, info in files.items()]


def primary(unit: DataUnit | None, context: Context) -> dict[str, Any] | None:
    """Return the primary file of *unit*, or its first one."""
    files = list(by_specification(unit, context).values())
    return next((info for info in files if info["is_primary"]), files[0] if files else None)


def summary(unit: DataUnit | None, context: Context) -> dict[str, Any] | None:
    """Return the short form of a unit that rows about it carry."""
    if unit is None:
        return None
    return {"id": unit.pk, "meta": unit.meta, "files": by_specification(unit, context)}


def of_unit(describe_unit: Describe, path: str = "") -> Column:
    """Read *describe_unit* off the unit that stands at *path* of a row; the row itself when empty."""
    steps = path.split("__") if path else []

    def make(context: Context) -> Read:
        def read(row: Any) -> Any:
            for step in steps:
                row = getattr(row, step)
            return describe_unit(row, context)

        return read

    defers = ("task__data",) if path.startswith("task__") else ()
    return Column(make, joins=(path,) if path else (), defers=defers, load=load_files, at=path)
