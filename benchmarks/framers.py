"""Contestants that make tables of tasks: `ours`, and `bare` requests with orjson, as anybody would write it.

A process of its own each, started by `tables.py`; the arguments are who it is, the address, and what it makes. What
they import is neither timed nor counted as memory.
"""

from __future__ import annotations

import gc
import sys
import tempfile

from collections.abc import Callable, Iterator, Sized
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import msgspec  # noqa: F401
import nanoarrow  # noqa: F401
import orjson
import pandas
import pyarrow.parquet  # noqa: F401
import requests

import synapse
import synapse.interop.tables.files
import synapse.interop.tables.out
import synapse.session.transport

from benchmarks.measure import resident, run_rounds
from synapse import Task
from synapse.session import current_if_any

PAGE = 100


def ours(url: str, what: str) -> int:
    """Make a table with the SDK, or something of it; give what is told of that."""
    session = current_if_any() or synapse.connect(url, api_token="bench")
    query = Task.objects.using(session)
    if what == "arrow":
        return len(query.to_arrow())
    if what == "arrow held":
        return _held(query.to_arrow)
    if what == "arrow held again":
        len(query[:500].to_arrow())
        return _held(query.to_arrow)
    if what == "pandas":
        return len(query.to_pandas())
    if what == "parquet":
        return _written(query)
    if what == "batches":
        return sum(map(len, query.batches()))
    if what == "self-join":
        return _joined(query)
    assert what == "round trip"
    return len(query.update_from(query.only("id", "data", "meta").to_arrow(), on="id"))


def _held(make: Callable[[], Sized]) -> int:
    """Give the bytes that a table takes once it is made."""
    gc.collect()
    before = resident()
    made = make()
    gc.collect()
    assert len(made)
    return resident() - before


def _written(query: Any) -> int:
    with tempfile.TemporaryDirectory() as folder:
        rows: int = query.to_parquet(Path(folder) / "tasks.parquet").rows
        return rows


def _joined(query: Any) -> int:
    [(count,)] = duckdb.sql("select count(*) from query a join query b on a.id = b.data_unit_id").fetchall()
    return int(count)


def bare(url: str, what: str) -> int:
    """Read pages into dicts with requests and orjson, and into a pandas frame."""
    rows = _rows(url)
    if what == "dicts":
        return sum(1 for _ in rows)
    if what == "frame":
        return len(pandas.DataFrame(list(rows)))
    return _held(lambda: pandas.DataFrame(list(rows)))


def _rows(url: str) -> Iterator[Any]:
    http = requests.Session()
    address: str | None = f"{url}/sdk/tasks/?ordering=id&page_size={PAGE}"
    while address:
        page = orjson.loads(http.get(address, timeout=(5, 30)).content)
        yield from page["results"]
        address = page["next"]


if __name__ == "__main__":
    who, address, *made = sys.argv[1:]
    work = partial({"ours": ours, "bare": bare}[who], address)
    run_rounds(partial(work, made[0]) if made else work)
