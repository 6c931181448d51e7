"""Backends that take writes, and frames of every kind."""

from __future__ import annotations

import json

from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from synapse.dialects import Request
from synapse.testing import CannedSession, canned
from tests.unit.interop.tables.made import TASKS, row
from tests.unit.orm.rows import served

KEYS = {"data_unit": [101, 102], "project": [1, 1]}
FRAMES = [pd.DataFrame, pl.DataFrame, pa.table, lambda columns: dicts_of(columns)]
NAMES = ["pandas", "polars", "pyarrow", "dicts"]


def dicts_of(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


each_frame = pytest.mark.parametrize("made", FRAMES, ids=NAMES)


def backend(*rows: Any, **more: Any) -> CannedSession:
    """A backend that has these tasks, creates others, and changes them."""
    held = {each["id"]: dict(each) for each in rows}

    def create(request: Request) -> Any:
        many = json.loads(json.dumps(request.json))
        return [{**row(key), **each} for key, each in enumerate(many, 900)]

    def change(request: Request) -> Any:
        key = int(request.path.strip("/").rpartition("/")[2])
        held[key] |= json.loads(json.dumps(request.json))
        return held[key]

    changes = {f"PATCH tasks/{key}/": change for key in held}
    lists = {TASKS: lambda request: served(list(held.values()))(request)}
    return canned({**lists, "POST tasks/": create, **changes, **more})


def sent_to(session: CannedSession) -> list[Any]:
    """What was written, in order."""
    return [each.json for each in session.requests if each.method != "GET"]
