"""The vendor's own client on the same work, with its own settings: a contestant of `transfers.py`."""

from __future__ import annotations

import sys

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from synapse_sdk.clients.backend import BackendClient

from benchmarks.measure import run_rounds

URL, TOKEN, TENANT = sys.argv[1:4]
THREADS, BATCH = 10, 1000  # its own defaults
client = BackendClient(URL, access_token=TOKEN, tenant=TENANT)


def chunks(path: str, size: int) -> Any:
    """Upload one file in chunks; it waits longer than its 15 s for a disk."""
    return client.create_chunked_upload(path, chunk_size=size, read_timeout=300)["id"]


def many(folder: str, collection: int, project: int | None, **_: Any) -> int:
    """Upload the files of a folder.

    With a project, its `upload_data_collection` fails on the list of units that the backend answers, so the same
    steps are called one by one.
    """
    items = [{"files": {"data_1": path}, "meta": {}} for path in sorted(Path(folder).iterdir())]
    if project is None:
        client.upload_data_collection(collection, items)
        return len(items)
    with ThreadPoolExecutor(THREADS) as pool:
        uploaded = list(pool.map(lambda item: client.upload_data_file(item, collection), items))
    done = 0
    for start in range(0, len(uploaded), BATCH):
        units = client.create_data_units(uploaded[start : start + BATCH])
        client.create_tasks({"project": project, "data": [{"data_unit": unit["id"]} for unit in units]})
        done += len(units)
    return done


def work(job: str, **given: Any) -> Any:
    """Do one of the jobs."""
    return {"chunks": chunks, "many": many}[job](**given)


if __name__ == "__main__":
    run_rounds(work)
