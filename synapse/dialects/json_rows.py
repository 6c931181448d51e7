"""Rows that are JSON objects: how a generation's table looks into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synapse.mapping.unset import UNSET


def keys(rows: Sequence[Any], name: str) -> list[Any]:
    """Read the keys off rows as they came; None for a row that has none."""
    try:
        found = [row[name] for row in rows]
    except (KeyError, TypeError):
        found = [row.get(name) if isinstance(row, dict) else None for row in rows]
    # Nearly every page has keys of one kind, and a loop over its rows would cost more than all else that is done here.
    if set(map(type, found)) <= {int, str}:
        return found
    return [key if isinstance(key, int | str) and not isinstance(key, bool) else None for key in found]


def value(row: Any, name: str) -> Any:
    """Read one value of a row as it came; `UNSET` where there is none, or no row."""
    return row.get(name, UNSET) if isinstance(row, dict) else UNSET
