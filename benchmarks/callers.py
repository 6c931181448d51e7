"""Contestants that make many small calls from many threads: `ours` on one session, `bare` threads with requests.

A process of its own each, started by `load.py`; the first argument says who it is, the second the address.
"""

from __future__ import annotations

import sys
import warnings

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from benchmarks.measure import run_rounds

ROWS = 4_000


def ours(url: str, *, threads: int, calls: int) -> dict[str, int]:
    """Get tasks by key and their project by relation, all threads on one session; count what is wrong."""
    from synapse import Session, Task
    from synapse.orm import SlowLoopWarning

    warnings.simplefilter("ignore", SlowLoopWarning)  # one task after the other is what is measured
    with Session(url, api_token="bench") as session:
        tasks = Task.objects.using(session)

        def look(key: int) -> bool:
            task = tasks.get(key)
            return [task.id, task.meta, task.project.id] == [
                key,
                {**(task.meta or {}), "frame": key},
                key % 3 + 1,
            ]

        result = _all_at_once(look, threads=threads, calls=calls)
    session.close()
    return result


def bare(url: str, *, threads: int, calls: int) -> dict[str, int]:
    """Get the same tasks as dicts, with a `requests.Session` for each thread."""
    import threading

    import requests

    mine = threading.local()

    def look(key: int) -> bool:
        if not hasattr(mine, "http"):
            mine.http = requests.Session()
        task = mine.http.get(f"{url}/tasks/{key}/", timeout=(5, 30)).json()
        return bool(task["id"] == key and task["meta"]["frame"] == key)

    return _all_at_once(look, threads=threads, calls=calls)


def _all_at_once(look: Callable[[int], bool], *, threads: int, calls: int) -> dict[str, int]:
    def work(number: int) -> tuple[int, int]:
        mixed_up = failed = 0
        for call in range(calls):
            try:
                mixed_up += not look((number * calls + call) % ROWS + 1)
            except Exception:
                failed += 1
        return mixed_up, failed

    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(work, range(threads)))
    return {"mixed up": sum(each for each, _ in done), "failed": sum(each for _, each in done)}


def main() -> None:
    """Call whenever it is told to."""
    who, url = sys.argv[1:]
    run_rounds(partial({"ours": ours, "bare": bare}[who], url))


if __name__ == "__main__":
    main()
