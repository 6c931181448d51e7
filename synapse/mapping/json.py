"""JSON as the entities hold it."""

from __future__ import annotations

from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""A JSON object, such as `task.meta`; edits inside it are noticed by `save()`."""

JsonValue: TypeAlias = Any
"""Any JSON value, such as `job.result`."""


def copy_json(value: JsonValue) -> JsonValue:
    """Copy a JSON value, so that edits never reach the original.

    >>> row = {"a": [1]}
    >>> copy_json(row)["a"].append(2)
    >>> row
    {'a': [1]}
    """
    if isinstance(value, dict):
        return {key: copy_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copy_json(item) for item in value]
    return value
