"""Every call that makes a table of a query."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from tests.faults.every_object import Call, World

TABLES: Final = [
    Call("Tabular.to_csv", lambda w: w.tasks.to_csv(_file(w))),
]
# The libraries of the others come with extras, which some legs of the matrix are without.
if all(map(find_spec, ("nanoarrow", "msgspec", "pandas", "polars", "duckdb"))):
    TABLES += [
        Call(
            "Tabular.to_arrow",
            lambda w: w.tasks.to_arrow(columns=["id", "project__title", "data_unit__meta"]),
        ),
        Call("Tabular.__arrow_c_stream__", lambda w: w.tasks.__arrow_c_stream__()),
        Call("Tabular.to_pandas", lambda w: w.tasks.to_pandas()),
        Call("Tabular.to_polars", lambda w: w.tasks.to_polars()),
        Call("Tabular.to_duckdb", lambda w: _in_duckdb(w.tasks)),
        Call("Tabular.batches", lambda w: list(w.tasks.batches(size=2))),
        Call("Tabular.to_parquet", lambda w: w.tasks.to_parquet(_file(w))),
        Call("Tabular.to_parquet(resume)", lambda w: w.tasks.to_parquet(w.target(), resume=True)),
    ]


def _file(w: World) -> Path:
    """Name a file that is still free."""
    return w.target().with_suffix(".table")


def _in_duckdb(tasks: Any) -> Any:
    duckdb = import_module("duckdb")
    with duckdb.connect() as con:
        return tasks.to_duckdb(con, name="tasks").fetchall()
