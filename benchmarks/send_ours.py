"""The SDK's side of the uploads: a contestant of `transfers.py`."""

from __future__ import annotations

import sys
import tempfile

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.measure import run_rounds
from synapse import DataCollection, Session
from synapse.uploads import upload_in_chunks

URL, TOKEN = sys.argv[1:3]
session = Session(URL, api_token=TOKEN)


def chunks(path: str, size: int) -> Any:
    """Upload one file in chunks."""
    return upload_in_chunks(session, path, register=str, chunk_size=size)


@cache
def found(collection: int) -> DataCollection:
    """Have a collection at hand."""
    return DataCollection.objects.using(session).get(collection)


def many(folder: str, collection: int, project: int | None, **options: Any) -> dict[str, int]:
    """Upload the files of a folder; tell how many are done, by how many requests."""
    target = found(collection)
    to = {} if project is None else {"project": project}
    with session.trace() as calls:
        report = target.upload(sorted(Path(folder).iterdir()), **to, **options)
    for outcome in [*report.failed, *report.unknown][:3]:
        sys.stderr.write(f"{outcome.item}: {outcome.error}\n")
    return {"done": len(report.created), "requests": len(calls)}


JOBS: dict[str, Callable[..., Any]] = {"chunks": chunks, "many": many}


def work(job: str, **given: Any) -> Any:
    """Do one of the jobs, in the session."""
    with session:
        return JOBS[job](**given)


def load() -> None:
    """Have all that an upload imports in memory, as a program that runs for a while has."""
    with session, tempfile.NamedTemporaryFile() as file:
        file.write(b"first")
        file.flush()
        upload_in_chunks(session, file.name, register=str)


if __name__ == "__main__":
    load()
    run_rounds(work)
