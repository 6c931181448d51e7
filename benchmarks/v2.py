"""Reading by API v2, beside a bare loop over its chain of pages and beside v1, against a sandbox.

A sandbox takes most of the time itself, so what is compared is the time that passed.
"""

from __future__ import annotations

import json
import sqlite3

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final

from benchmarks import stub
from benchmarks.measure import Round, Side, contest, show, show_at_most, sides
from synapse import DataCollection, FileSpecification, Project, Session
from synapse.sandbox import Sandbox, serve

ROWS: Final = 5_000
COUNTED: Final = 1_000
FEW: Final = 100
ROUNDS: Final = 6
LATENCY_MS: Final = 50
MOMENT: Final = "strftime('%Y-%m-%d %H:%M:%f', '2026-01-01', ? || ' seconds')"
UNIT: Final = (
    "INSERT INTO sandbox_dataunit (id, checksum, meta, can_generate_task, created, data_collection_id)"
    f" VALUES (?, '', ?, 1, {MOMENT}, ?)"
)
TASK: Final = (
    "INSERT INTO sandbox_task (id, data, meta, schema, is_discarded, has_data, status_label, status_review, created,"
    f" data_unit_id, project_id) VALUES (?, ?, ?, 'dm_schema_v1', 0, 1, 'completed', 'stand_by', {MOMENT}, ?, ?)"
)
ASSIGNMENT: Final = (
    "INSERT INTO sandbox_assignment (id, status_label, status_review, is_confirmed, is_discarded,"
    f" is_discard_confirmed, data, created, task_id) VALUES (?, 'completed', 'stand_by', 0, 0, 0, ?, {MOMENT}, ?)"
)


def main() -> None:
    """Print every figure."""
    with filled() as sandbox:
        token = {"SYNAPSE_API_TOKEN": sandbox.api_token}
        with sides(
            ours=Side("chains.py", "ours", sandbox.url, env=token),
            bare=Side("chains.py", "bare", sandbox.url, env=token),
        ) as who:
            requests(who["ours"])
            chain(who)
            with sandbox.misbehave(f"latency={LATENCY_MS}ms"):
                from_afar(who)


@contextmanager
def filled() -> Iterator[Sandbox]:
    """Run a sandbox with the tasks of the stub, and an assignment for each; the database takes them as they are."""
    with serve() as sandbox:
        with Session(sandbox.url, api_token=sandbox.api_token, state_dir=False):
            specs = [FileSpecification(name="image_1", file_type="image", is_required=True, is_primary=True)]
            collection = DataCollection.objects.create(
                name="Signs", category="image", file_specifications=specs
            )
            project = Project.objects.create(title="Signs", category="image", data_collection=collection)
        with closing(sqlite3.connect(sandbox.data / "sandbox.sqlite3", timeout=30)) as database, database:
            _fill(database, collection=collection.id, project=project.id)
        yield sandbox


def _fill(database: sqlite3.Connection, *, collection: int, project: int) -> None:
    for key in range(1, ROWS + 1):
        row = stub.task(key)
        data, meta = json.dumps(row["data"]), json.dumps(row["meta"])
        database.execute(UNIT, (key, json.dumps(stub.unit(key)["meta"]), key, collection))
        database.execute(TASK, (key, data, meta, key, key, project))
        database.execute(ASSIGNMENT, (key, data, key, key))


def requests(ours: Side) -> None:
    """Count the requests for fields that lists lack."""
    told = ours.round(count=True, what="data", rows=COUNTED).said
    what = f"`data` of {COUNTED:,} tasks"
    show_at_most(f"{what}: requests for pages", told["GET"], limit=5, digits=0)
    show_at_most(f"{what}: bulk reads", told["POST"], limit=5, digits=0)
    told = ours.round(count=True, what="meta", rows=FEW).said
    show(f"`meta` of {FEW} tasks, which no bulk read has: requests", f"{sum(told.values())}")


def chain(who: dict[str, Side]) -> None:
    """Read tasks without their payload, as fast as they come."""
    results = contest(who, rounds=ROUNDS, what="tasks")
    assert {each.said for rounds in results.values() for each in rounds} == {ROWS}
    quotient = least(results["ours"]) / least(results["bare"])
    show_at_most(f"{ROWS:,} tasks by the chain ÷ bare requests along it", quotient, limit=1.1)
    cpu = min(each.cpu for each in results["ours"]) / min(each.cpu for each in results["bare"])
    show("    of processor time", f"{cpu:.2f}")


def from_afar(who: dict[str, Side]) -> None:
    """Read tasks with their payload beside the chain alone, and assignments by both generations."""
    given: dict[str, tuple[str, dict[str, str]]] = {
        "bare chain": ("bare", {"what": "tasks"}),
        "chain": ("ours", {"what": "tasks"}),
        "bare payload": ("bare", {"what": "data"}),
        "payload": ("ours", {"what": "data"}),
        "v1": ("ours", {"what": "assignments", "api": "v1"}),
        "v2": ("ours", {"what": "assignments"}),
    }
    seen: dict[str, list[Round]] = {name: [] for name in given}
    for _ in range(ROUNDS):
        for name, (side, asked) in given.items():
            seen[name].append(who[side].round(**asked))
    times = {name: least(rounds) for name, rounds in seen.items()}
    line = f"{ROWS:,} tasks at {LATENCY_MS} ms"
    show_at_most(
        f"{line}: the chain ÷ bare requests along it", times["chain"] / times["bare chain"], limit=1.1
    )
    show_at_most(f"{line}: with `data` ÷ the chain", times["payload"] / times["chain"], limit=1.2)
    same = times["bare payload"] / times["bare chain"]
    show("    the same quotient of bare requests, bulk reads by eight threads", f"{same:.2f}")
    show(
        "    with `data` ÷ bare requests that do the same", f"{times['payload'] / times['bare payload']:.2f}"
    )
    line = f"{ROWS:,} assignments at {LATENCY_MS} ms, by ranges of keys"
    show_at_most(f"{line}: v2 ÷ v1", times["v2"] / times["v1"], limit=1.1)
    for name, took in times.items():
        show(f"    {name}", f"{took:.2f} s")


def least(rounds: list[Round]) -> float:
    """Give the time of the round that other work of the machine disturbed least."""
    return min(each.seconds for each in rounds)


if __name__ == "__main__":
    main()
