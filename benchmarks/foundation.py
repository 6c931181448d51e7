"""Measure the sandbox and the SDK's first figures in one run: `make bench`.

Prints one line a figure: what, measured, the figure to reach. Times are of this machine; ratios travel.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import requests

import synapse

from synapse import DataCollection, FetchMode, FileSpecification, Project, Task
from synapse.sandbox import serve

ROWS = 300
ROUNDS = 15


def show(what: str, measured: str, wanted: str) -> None:
    """Print one figure."""
    sys.stdout.write(f"{what:<62} {measured:>16}   {wanted}\n")
    sys.stdout.flush()


def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@contextmanager
def filled() -> Iterator[tuple[Any, synapse.Session]]:
    """Start a sandbox that holds 300 tasks of three projects, each with a unit of its own."""
    with tempfile.TemporaryDirectory() as folder, serve() as sandbox:
        session = synapse.connect(sandbox.url, api_token=sandbox.api_token)
        paths = [Path(folder) / f"{number}.bin" for number in range(ROWS)]
        for number, path in enumerate(paths):
            path.write_text(f"file {number}")
        spec = FileSpecification(name="data_1", file_type="data", is_primary=True, is_required=True)
        collection = DataCollection.objects.create(name="Bench", category="data", file_specifications=[spec])
        collection.upload(paths)
        projects = [
            Project.objects.create(title=f"Bench {n}", category="text", data_collection=collection)
            for n in range(3)
        ]
        units = list(collection.units.values_list("id", flat=True))
        Task.objects.bulk_create(
            Task(project_id=projects[n % 3].id, data_unit_id=unit) for n, unit in enumerate(units)
        )
        yield sandbox, session
        synapse.disconnect()


def starting() -> None:
    """Time the start of a sandbox until it says that it is ready."""
    with serve():
        pass
    times = []
    for _ in range(3):
        start = time.perf_counter()
        with serve():
            times.append(time.perf_counter() - start)
    show("sandbox: start to ready, after the first migration", f"{median(times):.2f} s", "< 3 s")


def list_page(sandbox: Any) -> None:
    """Time a page of 100 tasks with their units, over HTTP."""
    http = requests.Session()
    http.headers["Synapse-Access-Token"] = f"Token {sandbox.api_token}"
    address = f"{sandbox.url}/sdk/tasks/?page_size=100&expand=data_unit"
    assert len(http.get(address).json()["results"]) == 100
    times = [seconds(lambda: http.get(address).content) for _ in range(ROUNDS)]
    show("sandbox: page of 100 tasks with expand=data_unit", f"{1000 * median(times):.1f} ms", "≤ 30 ms")


def relations(session: synapse.Session) -> None:
    """Compare `task.project.title` and `task.data_unit.meta` over 300 tasks with one request for each."""

    def touch(mode: FetchMode) -> None:
        session.cache.clear()
        for task in Task.objects.fetch_mode(mode):
            _ = task.project.title, task.data_unit.meta

    with session.trace() as calls:
        batched = seconds(lambda: touch(FetchMode.PEERS))
    show(f"relations of {ROWS} tasks: requests", f"{len(calls)}", "≤ 12")
    single = seconds(lambda: [_one(session, task) for task in Task.objects.all()])
    show(f"relations of {ROWS} tasks: time ÷ one request each", f"{batched / single:.3f}", "≤ 0.1")


def _one(session: synapse.Session, task: Task) -> None:
    session.cache.clear()
    _ = task.project_id, Project.objects.get(task.project_id).title
    _ = synapse.DataUnit.objects.get(task.data_unit_id).meta


def reading(sandbox: Any) -> None:
    """Compare reading 300 typed tasks with a bare loop over pages."""
    http = requests.Session()
    http.headers["Synapse-Access-Token"] = f"Token {sandbox.api_token}"

    def bare() -> int:
        rows, address = 0, f"{sandbox.url}/sdk/tasks/?page_size=100&ordering=id"
        while address:
            page = http.get(address).json()
            rows, address = rows + len(page["results"]), page["next"]
        return rows

    def typed() -> int:
        return sum(1 for _ in Task.objects.iterator())

    assert bare() == typed() == ROWS
    ratio = median(seconds(typed) for _ in range(ROUNDS)) / median(seconds(bare) for _ in range(ROUNDS))
    show(f"reading {ROWS} typed tasks ÷ bare requests and dicts", f"{ratio:.2f}", "≤ 1.3")


def importing() -> None:
    """Compare importing the SDK with importing what it stands on."""

    def spent(code: str) -> float:
        return min(
            seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True)) for _ in range(7)
        )

    nothing = spent("pass")
    base = spent("import requests, attrs, cattrs, cachetools") - nothing
    show(
        "import synapse ÷ import of its dependencies",
        f"{(spent('import synapse') - nothing) / base:.2f}",
        "≤ 1.3",
    )
    lazy = spent("from synapse import Task, connect") - nothing
    show("from synapse import Task, connect ÷ the same", f"{lazy / base:.2f}", "≤ 1.3")


def main() -> None:
    """Print every figure."""
    starting()
    with filled() as (sandbox, session):
        list_page(sandbox)
        relations(session)
        reading(sandbox)
    importing()


if __name__ == "__main__":
    main()
