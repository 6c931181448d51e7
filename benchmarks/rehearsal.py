"""A rehearsal of size on PostgreSQL: `python -m benchmarks.rehearsal [--rows 1000000] [--created 20000]`.

Tasks are seeded by the database itself, read to Parquet by one process and by two Ray workers from shards, and rows
are created with a journal by a process that is killed once. SQL counts what arrived. It ends after 20 minutes at the
latest. Without Ray, which `make test-ray` installs, two plain processes read the shards.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import tempfile
import threading
import time

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg
import pyarrow.compute
import pyarrow.parquet

from benchmarks import clusters
from benchmarks.measure import MIB, Round, Side, missed, peak, show, show_at_most, sides, title
from synapse import DataCollection, FileSpecification, Project, Session, Task
from synapse.sandbox import Sandbox, serve
from tests.sandbox.postgresql import programs, scratch_database

SIZES: Final = (10_000, 100_000, 1_000_000)
LIMIT: Final = 20 * 60
SHARDS: Final = 16
GROWTH: Final = 1.5
"""How much more a row may cost at the largest size than at the smallest."""

_UNITS: Final = """
    INSERT INTO sandbox_dataunit (data_collection_id, checksum, meta, can_generate_task, created)
    SELECT %(collection)s, '', jsonb_build_object('frame', n, 'camera', 'front', 'place', '서울 ' || n %% 25), true,
           timestamptz '2026-01-01' + n * interval '1 second'
    FROM generate_series(%(first)s::int, %(last)s::int) AS n
"""
_TASKS: Final = """
    INSERT INTO sandbox_task (project_id, data_unit_id, data, meta, schema, is_discarded, has_data, status_label,
                              status_review, created)
    SELECT %(project)s, unit.id,
           jsonb_build_object('image', jsonb_build_array(jsonb_build_object('bounding_box', jsonb_build_array(
               jsonb_build_object('id', md5(unit.id::text), 'classification', 'stop', 'data', '[9, 9, 60, 60]'::jsonb)
           )))),
           jsonb_build_object('frame', unit.id), 'any', false, true, 'stand_by', 'stand_by', unit.created
    FROM sandbox_dataunit AS unit
    WHERE unit.data_collection_id = %(collection)s
      AND NOT EXISTS (SELECT 1 FROM sandbox_task WHERE project_id = %(project)s AND data_unit_id = unit.id)
"""


def main() -> None:
    """Print what reading costs at each size, and whether every row arrived once."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument(
        "--rows", type=int, default=100_000, help="tasks at the largest size (default: 100,000)"
    )
    asked.add_argument(
        "--created", type=int, default=1_000, help="rows created with a journal (default: 1,000)"
    )
    given = asked.parse_args()
    binaries = programs()
    if binaries is None:
        sys.exit("PostgreSQL is not installed (Debian: apt-get install postgresql): nothing was tried")
    signal.signal(signal.SIGALRM, _out_of_time)
    signal.alarm(LIMIT)
    with (
        tempfile.TemporaryDirectory(prefix="synapse-rehearsal-") as scratch,
        scratch_database(binaries) as address,
        serve(Path(scratch) / "data", database=address) as sandbox,
        psycopg.connect(address, autocommit=True) as database,
    ):
        rehearsal = Rehearsal(sandbox, database, Path(scratch))
        sizes = [size for size in SIZES if size < given.rows] + [given.rows]
        if clusters.is_installed():
            with clusters.two_workers(sandbox.url, sandbox.api_token):
                rehearsal.read(sizes, by_two=rehearsal.by_ray)
        else:
            show(
                "Ray is not installed: plain processes read the shards",
                "",
                wanted="make test-ray installs it",
            )
            rehearsal.read(sizes, by_two=rehearsal.by_two_processes)
        rehearsal.create(given.created)
    title(f"{len(missed())} figures missed what is wanted")
    sys.exit(bool(missed()))


def _out_of_time(*_: object) -> None:
    raise TimeoutError(f"the rehearsal was not done after {LIMIT // 60} minutes: take fewer --rows")


class Rehearsal:
    """One backend, its database, and a project whose tasks grow from size to size."""

    def __init__(self, sandbox: Sandbox, database: psycopg.Connection[Any], folder: Path) -> None:
        self._sandbox, self._database, self._folder = sandbox, database, folder
        with Session(sandbox.url, api_token=sandbox.api_token):
            specs = [FileSpecification(name="image_1", file_type="image", is_required=True, is_primary=True)]
            collection = DataCollection.objects.create(
                name="Size", category="image", file_specifications=specs
            )
            self._collection = collection.id
            self._project = Project.objects.create(
                title="Size", category="image", data_collection=collection
            ).id

    def read(self, sizes: list[int], *, by_two: Callable[[int], None]) -> None:
        """Read all tasks at each size, by one process and by two."""
        costs: list[tuple[float, float]] = []
        for size in sizes:
            title(f"{size:,} tasks with units, on PostgreSQL")
            self._seed(size)
            one, alone = self._by_one(size)
            self._tell("one process", one, [alone], size=size)
            by_two(size)
            costs.append((one / size, alone.cpu / size))
        if len(sizes) > 1:
            title(f"{sizes[-1]:,} tasks against {sizes[0]:,}")
            for what, first, last in zip(("time", "processor time"), costs[0], costs[-1], strict=True):
                show_at_most(f"one process: {what} a row, largest ÷ smallest", last / first, limit=GROWTH)

    def _tell(self, what: str, seconds: float, rounds: list[Round], *, size: int) -> None:
        peak, growth = (
            max(each) / MIB for each in zip(*((one.peak, one.growth) for one in rounds), strict=True)
        )
        show(f"{what}: rows a second", f"{size / seconds:,.0f}")
        show(f"{what}: requests", f"{sum(each.said for each in rounds):,}")
        show(f"{what}: most memory of a process, of which for the read", f"{peak:.0f} / {growth:.0f} MiB")
        show(f"{what}: time a row / processor time of the client", _costs(seconds, rounds, size))

    def create(self, count: int) -> None:
        """Create rows by a process that is killed in the middle, and by another that goes on."""
        title(f"{count:,} rows created with a journal, killed once")
        given = {"project": self._project, "count": count, "journal": str(self._folder / "run.journal")}
        with self._process() as first:
            killer = threading.Thread(target=self._kill_at, args=(first, count // 3))
            killer.start()
            with contextlib.suppress(RuntimeError):  # as it should be
                first.round(job="create", **given)
            killer.join()
        before = self._count("sandbox_tasktag")
        with self._process() as second:
            done = second.round(job="create", **given)
        show("rows there when it was killed", f"{before:,}", met=0 < before < count)
        show(
            "rows a second of the run that went on, which waits out the read limit",
            f"{(count - before) / done.seconds:,.0f}",
        )
        show("requests of the run that went on", f"{done.said:,}")
        found, names = self._one("SELECT count(*), count(DISTINCT name) FROM sandbox_tasktag")
        show(
            "rows, and different ones, by SQL", f"{found:,} / {names:,}", met=(found, names) == (count, count)
        )

    def _seed(self, size: int) -> None:
        held = self._count("sandbox_dataunit")
        place = {"collection": self._collection, "project": self._project}
        start = time.perf_counter()
        self._database.execute(_UNITS, {**place, "first": held + 1, "last": size})
        self._database.execute(_TASKS, place)
        self._database.execute("ANALYZE")
        show("seeded by the database", f"{time.perf_counter() - start:,.1f} s")

    def _by_one(self, size: int) -> tuple[float, Round]:
        path = self._folder / "whole.parquet"
        with self._process() as side:
            side.round(
                job="parquet", project=self._project, path=str(path), first=200
            )  # imports are not timed
            done = side.round(job="parquet", project=self._project, path=str(path))
        self._check("one process", [path])
        return done.seconds, done

    def by_ray(self, size: int) -> None:
        """Read all tasks by two Ray workers, which write what they read."""
        folder, noted = self._folder / f"ray-{size}", self._folder / "workers"
        noted.mkdir(exist_ok=True)

        def told(block: Any) -> Any:
            (noted / str(os.getpid())).write_text(str(peak()), encoding="ascii")
            return block

        with Session(self._sandbox.url, api_token=self._sandbox.api_token):
            tasks = Task.objects.filter(project=self._project)
            tasks[:200].to_ray(shards=2).materialize()  # workers that start are not timed
            start = time.perf_counter()
            dataset = tasks.to_ray(shards=SHARDS).map_batches(told, batch_size=None, batch_format="pyarrow")
            dataset.write_parquet(str(folder))
            seconds = time.perf_counter() - start
        most = max(int(each.read_text(encoding="ascii")) for each in noted.iterdir())
        show("two Ray workers: rows a second", f"{size / seconds:,.0f}")
        show("two Ray workers: most memory of a worker", f"{most / MIB:.0f} MiB")
        self._check("two Ray workers", sorted(folder.glob("*.parquet")))

    def by_two_processes(self, size: int) -> None:
        """Read all tasks by two processes, a shard each."""
        with self._process() as one, self._process() as other, ThreadPoolExecutor(2) as pool:
            one.round(job="shards", project=self._project, number=2, folder=str(self._folder))
            paths = [self._folder / f"part-{index}.parquet" for index in range(2)]
            pickles = [str(self._folder / f"shard-{index}.pickle") for index in range(2)]
            for side, path in zip((one, other), paths, strict=True):
                side.round(job="parquet", project=self._project, path=str(path), first=200)
            start = time.perf_counter()
            calls = [
                pool.submit(side.round, job="parquet", path=str(path), shard=shard)
                for side, path, shard in zip((one, other), paths, pickles, strict=True)
            ]
            rounds = [call.result() for call in calls]
            self._tell("two processes", time.perf_counter() - start, rounds, size=size)
        self._check("two processes", paths)

    def _check(self, what: str, paths: list[Path]) -> None:
        """Hold what arrived against what SQL counts."""
        keys = [pyarrow.parquet.read_table(path, columns=["id"])["id"] for path in paths]
        found = sum(len(each) for each in keys)
        total = sum(pyarrow.compute.sum(each).as_py() or 0 for each in keys)
        wanted, summed = self._one(
            f"SELECT count(*), sum(id) FROM sandbox_task WHERE project_id = {self._project}"
        )
        show(
            f"{what}: rows that arrived",
            f"{found:,}",
            wanted=f"{wanted:,}",
            met=(found, total) == (wanted, summed),
        )

    @contextmanager
    def _process(self) -> Iterator[Side]:
        with sides(side=Side("rehearse.py", self._sandbox.url, self._sandbox.api_token)) as found:
            yield found["side"]

    def _kill_at(self, side: Side, count: int) -> None:
        while self._count("sandbox_tasktag") < count:
            time.sleep(0.02)
        os.kill(side._process.pid, signal.SIGKILL)

    def _count(self, table: str) -> int:
        return int(self._one(f"SELECT count(*) FROM {table}")[0])

    def _one(self, statement: str) -> Any:
        return self._database.execute(statement.encode()).fetchone()


def _costs(seconds: float, rounds: list[Round], size: int) -> str:
    cpu = sum(each.cpu for each in rounds)
    return f"{1e6 * seconds / size:.0f} / {1e6 * cpu / size:.0f} µs"


if __name__ == "__main__":
    main()
