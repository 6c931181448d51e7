"""Describe the files of a unit the way the wire does: by specification, or as an array."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from .models import DataUnit, DataUnitFile
from .representation import Column, Context, Read


def describe(file: DataUnitFile, context: Context) -> dict[str, Any]:
    """Return the file-info object of one file in its place."""
    stored, specification = file.data_file, file.specification
    path = file.path_original or stored.file.name or ""
    return {
        "url": context.url(stored.file.name) if stored.file.name else None,
        "meta": {"file_size": stored.size, **stored.meta, **file.meta},
        "file_name_original": PurePosixPath(path).name,
        "path_original": file.path_original,
        "file_type": specification.file_type,
        "is_primary": specification.is_primary,
    }


def by_specification(unit: DataUnit | None, context: Context) -> dict[str, Any] | None:
    """Return the files of *unit* under the names of their specifications."""
    if unit is None:
        return None
    return {file.specification.name: describe(file, context) for file in unit.files.all()}


def as_array(unit: DataUnit | None, context: Context) -> list[dict[str, Any]]:
    """Return the files of *unit*, each naming its specification."""
    files = by_specification(unit, context) or {}
    return [{**info, "specification": name} for name, info in files.items()]


def primary(unit: DataUnit | None, context: Context) -> dict[str, Any] | None:
    """Return the primary file of *unit*, or its first one."""
    files = list((by_specification(unit, context) or {}).values())
    return next((info for info in files if info["is_primary"]), files[0] if files else None)


def of_unit(describe_unit: Any, path: str = "") -> Column:
    """Read *describe_unit* off the unit that stands at *path* of a row; the row itself when empty."""
    steps = path.split("__") if path else []

    def make(context: Context) -> Read:
        def read(row: Any) -> Any:
            for step in steps:
                row = getattr(row, step)
            return describe_unit(row, context)

        return read

    defers = ("task__data",) if path.startswith("task__") else ()
    prefix = f"{path}__" if path else ""
    joins = (path,) if path else ()
    return Column(make, joins=joins, fetches=(f"{prefix}files",), defers=defers)


def summary(unit: DataUnit | None, context: Context) -> dict[str, Any] | None:
    """Return the short form of a unit that rows about it carry."""
    if unit is None:
        return None
    return {"id": unit.pk, "meta": unit.meta, "files": by_specification(unit, context)}
