"""One process of the rehearsal: reads into Parquet, whole or a shard, or creates rows with a journal."""

from __future__ import annotations

import pickle
import sys

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import run_rounds
from synapse import Session, Task, TaskTag

URL, TOKEN = sys.argv[1:3]
session = Session(URL, api_token=TOKEN, state_dir=False)

_sent = 0
_send = Session.send


def _counted(self: Session, *args: Any, **options: Any) -> Any:
    global _sent
    _sent += 1
    return _send(self, *args, **options)


# Not by a trace, which would keep ten thousand calls in memory, and that is measured here.
Session.send = _counted  # type: ignore[method-assign]


def shards(project: int, number: int, folder: str) -> None:
    """Cut a project into shards and pickle each."""
    for index, shard in enumerate(Task.objects.filter(project=project).shards(number)):
        Path(folder, f"shard-{index}.pickle").write_bytes(pickle.dumps(shard))


def parquet(path: str, project: int = 0, shard: str = "", first: int | None = None) -> int:
    """Write the tasks of a project, or of a pickled shard, as Parquet."""
    query = pickle.loads(Path(shard).read_bytes()) if shard else Task.objects.filter(project=project)
    query[:first].to_parquet(path)
    return _sent


def create(project: int, count: int, journal: str) -> int:
    """Create tags, as a run that goes on with the journal of one that was killed."""
    rows = [TaskTag(project_id=project, name=f"tag {number}") for number in range(count)]
    TaskTag.objects.bulk_create(rows, journal=journal)
    return _sent


JOBS: dict[str, Callable[..., Any]] = {"shards": shards, "parquet": parquet, "create": create}


def work(job: str, **given: Any) -> Any:
    """Do one of the jobs, in the session."""
    global _sent
    _sent = 0
    with session:
        return JOBS[job](**given)


if __name__ == "__main__":
    run_rounds(work)
