"""Contestants that read a sandbox by both generations of its API: `ours`, and `bare` requests and dicts.

A process of its own each, started by `v2.py`: the first argument says who it is, the second the address, and the
environment has the token.
"""

from __future__ import annotations

import os
import sys

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

from benchmarks.measure import run_rounds

WHO, URL = sys.argv[1:3]
LARGEST = 200
"""The most rows of a page below `/v2/`, and the most keys of a bulk read."""
WORKERS = 8


def ours(what: str, api: str = "v2", rows: int | None = None) -> int:
    """Read with the SDK, the first so many rows or all; give their number."""
    import synapse

    from synapse import Assignment, Task

    if not synapse.session.current_if_any():
        synapse.connect(URL, state_dir=False)
    entity: Any = Assignment if what == "assignments" else Task
    query = entity.objects.via(api)[:rows] if rows else entity.objects.via(api)
    look = LOOKS[what]
    return sum(1 for row in query.iterator() if look(row) is not None)


LOOKS: Any = {
    "tasks": lambda task: (task.id, task.project_id, task.is_discarded),
    "data": lambda task: task.data,
    "meta": lambda task: task.meta,
    "assignments": lambda assignment: (assignment.id, assignment.task_id, assignment.status_label),
}


def requests(what: str, rows: int) -> dict[str, int]:
    """Read with the SDK; give the number of requests by their methods."""
    import synapse

    ours("tasks", rows=1)
    with synapse.session.current().trace() as trace:
        assert ours(what, rows=rows) == rows
    return Counter(call.method for call in trace)


def bare(what: str) -> int:
    """Read tasks with a loop over the chain of pages, as anybody would write it; their payload by threads beside it."""
    if what == "tasks":
        return sum(
            len([(row["id"], row["project_id"], row["is_discarded"]) for row in page]) for page in _chain()
        )
    assert what == "data"
    with ThreadPoolExecutor(WORKERS) as threads:
        answers = [threads.submit(_fetched, [row["id"] for row in page]) for page in _chain()]
        return sum(1 for answer in answers for row in answer.result() if row["data"])


def _fetched(keys: list[int]) -> Any:
    address = f"{URL}/v2/tasks/bulk-fetch/"
    return _http().post(address, json={"ids": keys}, timeout=(5, 30)).json()["data"]


def _chain() -> Iterator[Any]:
    params: dict[str, Any] = {"per_page": LARGEST}
    while True:
        page = _http().get(f"{URL}/v2/tasks/", params=params, timeout=(5, 30)).json()
        yield page["data"]
        if (cursor := page["meta"]["pagination"]["next_cursor"]) is None:
            return
        params["cursor"] = cursor


@cache
def _http() -> Any:
    import requests

    http = requests.Session()
    http.headers["SYNAPSE-ACCESS-TOKEN"] = os.environ["SYNAPSE_API_TOKEN"]
    return http


def main() -> None:
    """Read whenever it is told to."""

    def work(*, count: bool = False, **given: Any) -> Any:
        return requests(**given) if count else {"ours": ours, "bare": bare}[WHO](**given)

    run_rounds(work)


if __name__ == "__main__":
    main()
