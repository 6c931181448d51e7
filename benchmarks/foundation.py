"""Measure the sandbox, and the SDK against it: how both start and answer."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import requests

import synapse

from benchmarks.measure import alternately, seconds, show, show_at_most
from benchmarks.stub import running
from synapse import DataCollection, FetchMode, FileSpecification, Project, Task
from synapse.sandbox import serve

ROWS = 300
ROUNDS = 15


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
    show_at_most("sandbox: start to ready, after the first migration", median(times), limit=3, unit=" s")


def list_page(sandbox: Any) -> None:
    """Time a page of 100 tasks with their units, over HTTP."""
    http = requests.Session()
    http.headers["Synapse-Access-Token"] = f"Token {sandbox.api_token}"
    address = f"{sandbox.url}/sdk/tasks/?page_size=100&expand=data_unit"
    assert len(http.get(address).json()["results"]) == 100
    times = [seconds(lambda: http.get(address).content) for _ in range(ROUNDS)]
    show_at_most(
        "sandbox: page of 100 tasks with expand=data_unit",
        1000 * median(times),
        limit=30,
        unit=" ms",
        digits=1,
    )


def single_row(sandbox: Any) -> None:
    """Compare a list of one task with getting it by its key."""
    http = requests.Session()
    http.headers["Synapse-Access-Token"] = f"Token {sandbox.api_token}"
    listed, single = f"{sandbox.url}/sdk/tasks/?page_size=1&ordering=id", f"{sandbox.url}/tasks/1/"
    assert http.get(listed).json()["results"][0]["id"] == http.get(single).json()["id"]
    ratio = alternately(lambda: http.get(listed).content, lambda: http.get(single).content, rounds=200)
    show_at_most("sandbox: list of one task ÷ get of one", ratio, limit=1.4)


def relations(session: synapse.Session) -> None:
    """Compare `task.project.title` and `task.data_unit.meta` over 300 tasks with one request for each."""

    def touch(mode: FetchMode) -> None:
        session.cache.clear()
        for task in Task.objects.fetch_mode(mode):
            _ = task.project.title, task.data_unit.meta

    with session.trace() as calls:
        batched = seconds(lambda: touch(FetchMode.PEERS))
    show(
        f"sandbox: relations of {ROWS} tasks: requests", f"{len(calls)}", wanted="≤ 12", met=len(calls) <= 12
    )
    single = seconds(lambda: [_one(session, task) for task in Task.objects.all()])
    show_at_most(
        f"sandbox: relations of {ROWS} tasks: time ÷ one request each", batched / single, limit=0.1, digits=3
    )


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
    ratio = alternately(typed, bare, rounds=ROUNDS)
    show_at_most(f"sandbox: reading {ROWS} typed tasks ÷ bare requests and dicts", ratio, limit=1.3)


def importing() -> None:
    """Compare importing the SDK, and its first request, with importing what it stands on."""
    with running("--rows", 10) as url:
        codes = {
            "nothing": "pass",
            "base": "import requests, attrs, cattrs",
            "import synapse": "import synapse",
            "from synapse import Task, connect": "from synapse import Task, connect",
            "up to the first request": (
                f"from synapse import Task, connect; connect({url!r}, api_token='bench'); Task.objects.get(7)"
            ),
        }
        spent = {name: float("inf") for name in codes}
        for _ in range(9):
            for name, code in codes.items():
                spent[name] = min(spent[name], processor_of(code))
    base = spent["base"] - spent["nothing"]
    limits = {
        "import synapse": 1.15,
        "from synapse import Task, connect": 1.15,
        "up to the first request": 1.5,
    }
    for name, limit in limits.items():
        quotient = (spent[name] - spent["nothing"]) / base
        show_at_most(f"{name} ÷ import of its dependencies", quotient, limit=limit)


def processor_of(code: str) -> float:
    """Give the processor's time that a process takes for some code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print every figure."""
    starting()
    with filled() as (sandbox, session):
        list_page(sandbox)
        single_row(sandbox)
        relations(session)
        reading(sandbox)
    importing()
