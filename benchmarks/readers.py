"""Contestants that read tasks: `ours`, `bare` requests and dicts, and the `vendor`'s client.

A process of its own each, started by `reading.py`; the first argument says who it is, the second the address.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time

from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks import stub
from benchmarks.measure import forget_peak, peak, resident, run_rounds

SETTLED = 20_000
"""So many rows are read before growth counts."""
HALF = 100_000


# --- what is done, whoever does it --------------------------------------------------
def read(rows: Iterable[Any], look: Callable[[Any], Any]) -> int:
    """Read to the end and look at three fields of each row; give their number."""
    count = 0
    for row in rows:
        look(row)
        count += 1
    return count


def held(rows: Iterable[Any]) -> int:
    """Hold all rows; give the bytes that they take."""
    gc.collect()
    before = resident()
    kept = list(rows)
    gc.collect()
    grown = resident() - before
    assert kept
    return grown


def streamed(rows: Iterable[Any]) -> dict[str, int]:
    """Read to the end; give the number of rows, what memory was once it settled, and the most in either half."""
    count = base = 0
    most = [0, 0]
    for _ in rows:
        count += 1
        if count == SETTLED:
            forget_peak()
            base = resident()
        elif count == HALF:
            most[0] = peak()
            forget_peak()
    most[1] = peak()
    return {"rows": count, "settled": base, "first": most[0], "second": most[1]}


def first(rows: Iterable[Any]) -> float:
    """Give the seconds until the first row is here; the rest is not read."""
    start = time.perf_counter()
    reading = iter(rows)
    next(reading)
    return time.perf_counter() - start


def some(rows: Iterable[Any]) -> int:
    """Read the first thousand rows."""
    return sum(1 for _ in islice(rows, 1_000))


# --- who does it ----------------------------------------------------------------------
READ = {
    "read": lambda task: (task.id, task.status_label, task.is_discarded),
    "read data": lambda task: (task.data, task.meta),
    "read annotations": lambda task: (task.annotations, task.files),
    "read labels": lambda task: (task.data, task.files),
    "read all": lambda task: [getattr(task, name) for name in NAMES],
}
"""What is looked at in each of our rows; of dicts it is the same."""
NAMES = [
    "id",
    "project_id",
    "data_unit_id",
    "workshop",
    "data",
    "meta",
    "files",
    "schema",
    "is_discarded",
    "has_data",
    "count_assignments",
    "tags",
    "status_label",
    "status_review",
    "created",
]
DICTS = {
    "read": lambda task: (task["id"], task["status_label"], task["is_discarded"]),
    "read data": lambda task: (task["data"], task["meta"]),
    "read all": lambda task: list(task.values()),
}
WHOLE = {"held": held, "streamed": streamed, "first": first, "warm up": some}
KEYS = range(1, 5_001)
CREATED = 5_000
BATCH = 100


def ours(url: str, what: str, **options: Any) -> Any:
    """Read with the SDK."""
    import synapse

    from synapse import Task

    session = _open(synapse, url)
    if what == "relations":
        session.cache.clear()
        return sum(len(task.project.title) + task.data_unit.meta["frame"] for task in Task.objects.all())
    if what == "in_bulk":
        return len(Task.objects.in_bulk(KEYS))
    if what.startswith("export "):
        return _exported(what.removeprefix("export "))
    if what == "created":
        return len(Task.objects.bulk_create(map(_new, range(CREATED)), batch_size=BATCH))
    if what in CALLS:
        return _repeated(OURS[what])
    rows = Task.objects.iterator(**options)
    return read(rows, READ[what]) if what in READ else WHOLE[what](rows)


def _exported(format: str) -> int:
    """Write all tasks; give the bytes of the folder."""
    with tempfile.TemporaryDirectory() as folder:
        report = _task_objects().export(f"{folder}/out", format=format)
        assert report.tasks and report.is_complete, report
        return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def _new(key: int) -> Any:
    from synapse import Task

    return Task(project_id=1, data_unit_id=key + 1, **_sample(key % 256))


@cache
def _sample(kind: int) -> dict[str, Any]:
    """What a new task holds."""
    row = stub.task(kind)
    return {"data": row["data"], "meta": row["meta"]}


CALLS = ("get", "count", "first row")


def _repeated(call: Callable[[], Any]) -> int:
    for _ in range(200):
        call()
    return 200


def _task_objects() -> Any:
    from synapse import Task

    return Task.objects


OURS = {
    "get": lambda: _task_objects().get(7),
    "count": lambda: _task_objects().count(),
    "first row": lambda: _task_objects().first(),
}


def _open(synapse: Any, url: str) -> Any:
    if not (session := synapse.session.current_if_any()):
        session = synapse.connect(url, api_token="bench")
    return session


def bare(url: str, what: str, page_size: int = 100) -> Any:
    """Read with a loop over pages, as anybody would write it."""
    if what == "relations":
        return _one_request_each(url)
    if what == "in_bulk":
        return len({row["id"]: row for some in _batches(KEYS) for row in _listed(url, some)})
    if what == "created":
        return sum(len(_posted(url, some)) for some in _batches(range(CREATED)))
    if what in CALLS:
        tail = {
            "get": "tasks/7/",
            "count": "tasks/?page_size=1",
            "first row": "tasks/?page_size=1&ordering=id",
        }
        address = f"{url}/sdk/{tail[what]}" if what != "get" else f"{url}/{tail[what]}"
        return _repeated(lambda: _http().get(address, timeout=(5, 30)).json())
    rows = _pages(url, page_size)
    return read(rows, DICTS[what]) if what in DICTS else WHOLE[what](rows)


def _batches(keys: range) -> Iterator[range]:
    return (keys[start : start + BATCH] for start in range(0, len(keys), BATCH))


def _listed(url: str, keys: range) -> Any:
    listed = ",".join(map(str, keys))
    address = f"{url}/sdk/tasks/?id__in={listed}&page_size={BATCH}"
    return _http().get(address, timeout=(5, 30)).json()["results"]


def _posted(url: str, keys: range) -> Any:
    rows = [{"project": 1, "data_unit": key + 1, **_sample(key % 256)} for key in keys]
    return _http().post(f"{url}/tasks/", json=rows, timeout=(5, 30)).json()


def _pages(url: str, size: int) -> Iterator[Any]:
    address = f"{url}/sdk/tasks/?ordering=id&page_size={size}"
    while address:
        page = _http().get(address, timeout=(5, 30)).json()
        yield from page["results"]
        address = page["next"]


def _one_request_each(url: str) -> int:
    http, total = _http(), 0
    for task in _pages(url, 100):
        title = http.get(f"{url}/projects/{task['project']}/", timeout=(5, 30)).json()["title"]
        meta = http.get(f"{url}/data_units/{task['data_unit']}/", timeout=(5, 30)).json()["meta"]
        total += len(title) + meta["frame"]
    return total


_opened: list[Any] = []


def _http() -> Any:
    import requests

    if not _opened:
        _opened.append(requests.Session())
        _opened[0].headers["Synapse-Access-Token"] = "Token bench"
    return _opened[0]


def vendor(url: str, what: str) -> Any:
    """Read with the vendor's client, as plain dicts, which is the cheapest that it has."""
    from synapse_sdk.clients.backend import BackendClient

    if not _opened:
        _opened.append(BackendClient(url, access_token="bench"))
    client = _opened[0]

    def listed(**params: Any) -> Any:
        return client.list_tasks(params, list_all=True, url_conversion={})[0]

    if what == "relations":
        return sum(
            len(client.get_project(task["project"])["title"])
            + client.get_data_unit(task["data_unit"])["meta"]["frame"]
            for task in listed(ordering="id", page_size=100)
        )
    if what == "in_bulk":
        batches = (",".join(map(str, some)) for some in _batches(KEYS))
        return len({row["id"]: row for keys in batches for row in listed(id__in=keys, page_size=BATCH)})
    if what in CALLS:
        one: Any = {"page_size": 1, "ordering": "id"}
        return _repeated(
            lambda: client.get_task(7) if what == "get" else client.list_tasks(one, url_conversion={})
        )
    rows = listed(ordering="id", page_size=100)
    return read(rows, DICTS[what]) if what in DICTS else WHOLE[what](rows)


def _stop_guarding() -> None:
    """Keep nothing of a JSON field that is handed out, so that edits inside it would not be noticed."""
    from synapse import Task
    from synapse.mapping import page_columns, state
    from synapse.testing import canned

    state.seal = page_columns.seal = lambda value: value
    task = Task.objects.using(canned({"GET tasks/5/": {"id": 5, "meta": {"frame": 1}}})).get(5)
    task.meta["frame"] = 2
    assert not task.changes, "what a field was is kept elsewhere now"


def main() -> None:
    """Read whenever it is told to."""
    who, url, *flags = sys.argv[1:]
    for name in ("orjson", "msgspec") if "core" in flags else ():
        sys.modules[name] = None  # type: ignore[assignment]
    if "unguarded" in flags:
        _stop_guarding()
    pages = {"page_size": 1000} if "large" in flags else {}
    run_rounds(partial({"ours": ours, "bare": bare, "vendor": vendor}[who], url, **pages))


if __name__ == "__main__":
    main()
