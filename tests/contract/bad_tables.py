"""Calls of tables that cannot be right, out of queries and back."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any, Final

from synapse import Agent, MappingError, SynapseError, Task, TransferError
from tests.contract.bad_calls import Bad

T = Task.objects
# The libraries of tables come with extras, which some legs of the matrix are without.
HAVE_LIBRARIES: Final = all(map(find_spec, ("nanoarrow", "msgspec", "pandas", "polars", "duckdb")))
WITH_LIBRARIES: Final = ("to_arrow", "to_pandas", "to_polars", "to_duckdb", "to_parquet", "batches")
VERBS: Final = (*(WITH_LIBRARIES if HAVE_LIBRARIES else ()), "to_csv")

NEED_LIBRARIES: Final = [
    Bad("Tabular.to_arrow", "secret", lambda w: Agent.objects.to_arrow(columns=["token"])),
    Bad("Tabular.to_arrow", "progress", lambda w: T.to_arrow(progress=5), TransferError),
    Bad("Tabular.to_pandas", "categories", lambda w: T.to_pandas(categories="yes")),
    Bad("Tabular.to_polars", "categories", lambda w: T.to_polars(categories=1)),
    Bad("Tabular.to_duckdb", "no connection", lambda w: T.to_duckdb("a.duckdb", name="tasks")),
    Bad("Tabular.to_parquet", "resume", lambda w: T.to_parquet(w.folder / "a.parquet", resume="yes")),
    Bad(
        "Tabular.to_parquet",
        "no folder",
        lambda w: T.to_parquet(w.folder / "no" / "a.parquet"),
        TransferError,
    ),
    Bad("Tabular.to_parquet", "inferred", lambda w: T.to_parquet(w.folder / "a.parquet", json="struct")),
    Bad("Tabular.batches", "inferred", lambda w: T.batches(json="struct")),
    Bad("Tabular.batches", "no size", lambda w: T.batches(size=0)),
    Bad("Tabular.batches", "no checkpoint", lambda w: T.batches(checkpoint="x")),
]

TABLES: Final = [
    *(
        Bad(
            f"Tabular.{verb}",
            f"columns={each!r}",
            lambda w, verb=verb, each=each: _table(w, verb, columns=each),
        )
        for verb in VERBS
        for each in ("id", [], ["nope"], ["project__nope"], 5)
    ),
    *(
        Bad(
            f"Tabular.{verb}",
            "what to do with bad rows",
            lambda w, verb=verb: _table(w, verb, on_bad_row="no"),
        )
        for verb in VERBS
    ),
    *(
        Bad(f"Tabular.{verb}", f"json={each!r}", lambda w, verb=verb, each=each: _table(w, verb, json=each))
        for verb in VERBS
        if verb != "to_csv"
        for each in ("structs", None, {"nope": None}, {"meta": "struct"})
    ),
    *(
        Bad("QuerySet.update_from", repr(each), lambda w, each=each: T.update_from(each))
        for each in (None, 5, "frame", {"id": [1]}, [5], [{"meta": {}}], [{"id": 1}], [{"id": 1, "mta": {}}])
    ),
    Bad("QuerySet.update_from", "on", lambda w: T.update_from([{"id": 1, "meta": {}}], on="identity")),
    Bad("QuerySet.update_from", "fields", lambda w: T.update_from([{"id": 1, "meta": {}}], fields=["mta"])),
    Bad(
        "QuerySet.update_from", "columns", lambda w: T.update_from([{"id": 1, "meta": {}}], columns=["meta"])
    ),
    Bad("QuerySet.update_from", "nulls", lambda w: T.update_from([{"id": 1, "meta": {}}], nulls="drop")),
    Bad("QuerySet.update_from", "dry run", lambda w: T.update_from([{"id": 1, "meta": {}}], dry_run=1)),
    Bad("QuerySet.update_from", "journal", lambda w: T.update_from([{"id": 1, "meta": {}}], journal=5)),
    Bad(
        "QuerySet.update_from", "bad rows", lambda w: T.update_from([{"id": 1, "meta": {}}], on_bad_row="no")
    ),
    Bad(
        "QuerySet.update_from",
        "progress",
        lambda w: T.update_from([{"id": 1, "meta": {}}], progress=5),
        TransferError,
    ),
    Bad("QuerySet.update_from", "a slice", lambda w: T.all()[:3].update_from([{"id": 1, "meta": {}}])),
    Bad(
        "QuerySet.update_from",
        "a bad cell",
        lambda w: T.update_from([{"id": 1, "meta": "{"}]),
        MappingError,
    ),
    Bad(
        "QuerySet.update_from",
        "a row that is not there",
        lambda w: T.update_from([{"id": 10**9, "meta": {}}]),
        reads=1,
    ),
    Bad("QuerySet.bulk_create", "a table without a key", lambda w: T.bulk_create([{"project": 1}])),
    Bad("QuerySet.bulk_create", "a column", lambda w: T.bulk_create([{"project": 1, "data_unti": 1}])),
    Bad(
        "QuerySet.bulk_create",
        "progress",
        lambda w: T.bulk_create([{"project": 1, "data_unit": 1}], progress=5),
        TransferError,
    ),
    Bad("QuerySet.bulk_create", "nulls", lambda w: T.bulk_create([{"project": 1}], nulls=True)),
    Bad(
        "TaskManager.annotate_many", "no column", lambda w: T.annotate_many([{"id": 1, "a": "{}"}], data="b")
    ),
    Bad("TaskManager.annotate_many", "progress", lambda w: T.annotate_many([], progress=5), TransferError),
    Bad("TaskManager.annotate_many", "no data", lambda w: T.annotate_many([{"id": 1, "a": "{}"}])),
    Bad("Tabular.to_csv", "None", lambda w: T.to_csv(None), TransferError),
    # Where Ray is not installed, that is the first thing which is wrong.
    Bad("Tabular.to_ray", "columns", lambda w: T.to_ray(columns=["nope"]), SynapseError),
    Bad("Tabular.to_ray", "bad rows", lambda w: T.to_ray(on_bad_row="no"), SynapseError),
    Bad("Tabular.to_huggingface", "bad rows", lambda w: T.to_huggingface(on_bad_row="no")),
    Bad("Tabular.to_huggingface", "progress", lambda w: T.to_huggingface(progress=True)),
    Bad("Tabular.to_torch", "bad rows", lambda w: T.to_torch(on_bad_row="no")),
    Bad("Tabular.to_huggingface", "streaming", lambda w: T.to_huggingface(streaming="yes")),
    Bad("Tabular.to_torch", "seed", lambda w: T.to_torch(seed="x")),
    Bad("Tabular.to_torch", "transform", lambda w: T.to_torch(transform=5)),
    *(NEED_LIBRARIES if HAVE_LIBRARIES else ()),
]

CLOSED_TABLES: Final[dict[str, Callable[[SimpleNamespace], Any]]] = {
    "QuerySet.update_from": lambda w: w.closed_tasks.update_from([{"id": 1, "meta": {}}]),
    **{
        f"Tabular.{verb}": lambda w, verb=verb: list(_table(w, verb, of=w.closed_tasks))
        for verb in (*WITH_LIBRARIES, "to_csv")
    },
}


def _table(w: Any, verb: str, *, of: Any = T, **given: Any) -> Any:
    """Call a verb that makes a table, with what it needs."""
    if verb == "to_duckdb":
        with import_module("duckdb").connect() if HAVE_LIBRARIES else nullcontext() as con:
            return of.to_duckdb(con, name="tasks", **given)
    return getattr(of, verb)(*([w.folder / "table"] if verb in ("to_parquet", "to_csv") else []), **given)
