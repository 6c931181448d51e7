"""A bulk creation with a journal, killed anywhere and started again, leaves each row on the backend exactly once.

`PROOF=20 pytest tests/proof` draws twenty times as many examples, others each time.
"""

from __future__ import annotations

import json
import signal
import time

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

import attrs
import pytest

from hypothesis import HealthCheck, Phase, example, given
from hypothesis import strategies as st

from tests.faults.conftest import Place, make_place
from tests.faults.hostile import FIRST, LAST, MIDDLE, Backend, Exchange, Proxy, Received, call, close, reset
from tests.faults.writes import job
from tests.proof.bulk_runs import Death, Runs
from tests.proof.strategies import examples

Part = Literal["request", "answer"]
Rows = Callable[[Place, list[int], list[str]], list[dict[str, Any]]]

LATE: Final[list[Received]] = []
SIZE: Final = 3
"""Rows in a batch."""


@attrs.frozen
class Kill:
    """End the run at a byte of its nth request or answer; a *late* request comes through after that."""

    of: Part
    at: float
    nth: int
    late: bool = False
    by: signal.Signals = signal.SIGKILL

    def prepare(self, proxy: Proxy, runs: Runs) -> None:
        kill = partial(runs.end, by=self.by)
        proxy.harm("", call(kill, then=_dawdle if self.late else close), of=self.of, at=self.at, nth=self.nth)


@attrs.frozen
class Cut:
    """Cut the connection at a byte of the nth request or answer, and leave the run alone."""

    of: Part
    at: float
    nth: int

    def prepare(self, proxy: Proxy, runs: Runs) -> None:
        proxy.harm("POST", reset, of=self.of, at=self.at, nth=self.nth)


def _dawdle(exchange: Exchange) -> None:
    LATE.append(exchange.received)
    time.sleep(0.5)


def wait_for_late() -> None:
    """Wait until what came late was answered, to nobody."""
    until = time.monotonic() + 3
    while any(each.status is None for each in LATE) and time.monotonic() < until:
        time.sleep(0.02)
    LATE.clear()


PLACES: Final = {
    "of": st.sampled_from(["request", "answer"]),
    "at": st.sampled_from([FIRST, MIDDLE, LAST, 200]),
}
SIGNALS: Final = st.sampled_from([signal.SIGKILL, signal.SIGKILL, signal.SIGINT])
FAULTS: Final = st.one_of(
    st.builds(Kill, **PLACES, nth=st.integers(1, 6), late=st.booleans(), by=SIGNALS),
    st.builds(Cut, **PLACES, nth=st.integers(1, 4)),
    st.builds(
        Death,
        call=st.sampled_from(["write", "fsync"]),
        when=st.sampled_from(["before", "within", "after"]),
        nth=st.integers(1, 8),
    ),
)


def tags(place: Place, keys: list[int], words: list[str]) -> list[dict[str, Any]]:
    """Rows that are posted one by one; some are equal, some differ in their JSON alone."""
    return [
        {"project_id": place.project, "name": word, "meta": {"n": n % 2, "말": word}}
        for n, word in zip(keys, words, strict=True)
    ]


def units(place: Place, keys: list[int], words: list[str]) -> list[dict[str, Any]]:
    """Rows that differ by their files alone, of a backend that finds equal ones again; Korean names."""
    return [
        {
            "data_collection_id": place.collection,
            "files": {"data_1": {"checksum": CHECKSUMS[n], "path": f"장면/{n}.bin"}},
        }
        for n in dict.fromkeys(keys)
    ]


def tasks(place: Place, keys: list[int], words: list[str]) -> list[dict[str, Any]]:
    """Rows that a backend refuses to have twice."""
    made = make_units(place, units(place, keys, words))
    return [
        {"project_id": place.project, "data_unit_id": unit["id"], "meta": {"말": word}}
        for unit, word in zip(made, words, strict=False)
    ]


def logs(place: Place, keys: list[int], words: list[str]) -> list[dict[str, Any]]:
    """Rows that are sent in lists, some of them equal, some with a file."""
    key, at = job(place), "2026-01-01T09:00:00.123456+09:00"
    inside = {"file": {"url": "data:text/plain;base64,aGVsbG8="}}
    return [
        {"job_id": key, "event": word, "datetime": at, "data": {"n": n % 2}} | (inside if n % 2 else {})
        for n, word in zip(keys, words, strict=True)
    ]


def make_units(place: Place, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Create units past the SDK."""
    bodies = [{"data_collection": row["data_collection_id"], "files": row["files"]} for row in rows]
    made: list[dict[str, Any]] = place.wire.create("data_units/", bodies)
    return made


KINDS: Final[dict[str, tuple[str, Rows]]] = {
    "TaskTag": ("task_tags/?project={project_id}", tags),
    "DataUnit": ("data_units/?data_collection={data_collection_id}", units),
    "JobLog": ("logs/?job={job_id}", logs),
    "Task": ("tasks/?project={project_id}", tasks),
}
CHECKSUMS: Final[list[str]] = []


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run one backend, with files to make units of."""
    with Backend(tmp_path_factory.mktemp("backend")) as backend:
        wire = make_place(backend).wire
        CHECKSUMS[:] = [wire.data_file(b"%d" % n, name=f"{n}.bin")["checksum"] for n in range(9)]
        yield backend


@pytest.fixture(scope="module")
def proxy(backend: Backend) -> Iterator[Proxy]:
    """Stand between the runs and the backend."""
    with Proxy(backend.address) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def runs() -> Iterator[Runs]:
    """Start runs quickly."""
    with Runs() as runs:
        yield runs


def run_with(fault: Any, runs: Runs, proxy: Proxy, what: dict[str, Any]) -> None:
    """Run once, with one fault."""
    if isinstance(fault, Death):
        what = {**what, "death": attrs.asdict(fault)}
    else:
        fault.prepare(proxy, runs)
    runs.run(**what)
    proxy.heal()


def content(row: dict[str, Any]) -> str:
    """Say what a row of the backend, or one that was given, holds: the same words for both."""
    project, unit = (row.get(name, row.get(f"{name}_id")) for name in ("project", "data_unit"))
    files = row["files"] if "data_collection" in row or "data_collection_id" in row else {}
    paths = {name: file.get("path_original", file.get("path")) for name, file in files.items()}
    told = [row.get(name) for name in ("name", "event", "data")] + [bool(row.get("file"))]
    return json.dumps([project, unit, paths, not files and row.get("meta"), *told], sort_keys=True)


# A kill costs the wait for what may be under way: an example that fails is shown as it is.
@examples(7, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
@given(
    entity=st.sampled_from(sorted(KINDS)),
    keys=st.lists(st.integers(0, 8), min_size=2, max_size=8),
    word=st.sampled_from(["밤", "낮", "café", "x"]),
    faults=st.lists(FAULTS, min_size=1, max_size=2),
)
@example("Task", [0, 1, 2, 3], "밤", [Kill("answer", FIRST, 2)])
@example("DataUnit", [0, 1, 2, 3, 4], "밤", [Kill("answer", LAST, 3), Death("write", "within", 1)])
@example("DataUnit", [0, 1, 2, 3, 4], "밤", [Cut("answer", FIRST, 1), Kill("request", LAST, 3, late=True)])
@example("JobLog", [0, 2, 0, 2, 1], "밤", [Kill("answer", FIRST, 2), Cut("answer", FIRST, 2)])
@example("TaskTag", [1, 1, 3, 3, 2], "밤", [Kill("request", MIDDLE, 3, late=True), Kill("request", FIRST, 1)])
@example("TaskTag", [1, 2, 3, 4], "밤", [Kill("answer", FIRST, 3, by=signal.SIGINT)])
@example("TaskTag", [1, 2, 3], "밤", [Kill("request", LAST, 2, late=True)])
@example("Task", [0, 1, 2, 3], "밤", [Kill("request", LAST, 3, late=True), Kill("answer", FIRST, 1)])
@example(
    "TaskTag",
    [1, 1, 1],
    "x",
    [Death("write", "before", 4), Death("write", "after", 2), Cut("answer", FIRST, 1)],
)
def test_each_row_is_there_once(
    backend: Backend,
    proxy: Proxy,
    runs: Runs,
    tmp_path_factory: pytest.TempPathFactory,
    entity: str,
    keys: list[int],
    word: str,
    faults: list[Any],
):
    """Whatever kills and cuts there were, the last run ends well, and the next one sends nothing."""
    place, (path, rows_of) = make_place(backend), KINDS[entity]
    rows = rows_of(place, keys, [word + " 하나" * (key % 2) for key in keys])
    journal = tmp_path_factory.mktemp("run") / "run.journal"
    what = {"entity": entity, "rows": rows, "url": proxy.url, "token": backend.sandbox.api_token}
    what |= {"journal": str(journal), "batch_size": SIZE}
    for fault in faults:
        run_with(fault, runs, proxy, what)
    last = runs.run(**what) or {}
    wait_for_late()
    received = len(proxy.received)

    assert last == runs.run(**what)
    assert received == len(proxy.received)
    stored = {row["id"]: content(row) for row in place.rows(path.format(**rows[0]))}
    assert Counter(content(row) for row in rows) == Counter(stored.values())
    assert [content(row) for row in rows] == [stored[key] for key in last["keys"]]
    assert sorted(stored) == sorted(noted(journal).values())


def test_rows_of_others_are_left_alone(backend: Backend, proxy: Proxy, runs: Runs, tmp_path: Path):
    """Another worker's unit, made while a request was lost, differs by its files alone."""
    place = make_place(backend)
    rows, other = units(place, [0, 1, 2], []), units(place, [5], [])
    intrude = call(lambda: make_units(place, other), then=reset)
    proxy.harm("POST", intrude, of="request", at=MIDDLE)
    what = {"entity": "DataUnit", "rows": rows, "url": proxy.url, "token": backend.sandbox.api_token}
    last = runs.run(**what, journal=str(tmp_path / "run.journal"), batch_size=SIZE) or {}
    proxy.heal()

    stored = {
        row["id"]: content(row) for row in place.rows(f"data_units/?data_collection={place.collection}")
    }
    assert [content(row) for row in rows] == [stored.pop(key) for key in last["keys"]]
    assert [content(row) for row in other] == list(stored.values())


def noted(journal: Path) -> dict[str, int]:
    """Read which rows a journal says to be done, past the SDK."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return {name: key for line in lines for name, key in line.get("done", {}).items()}
