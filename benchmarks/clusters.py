"""Ray over shards, beside one process with and without read-ahead; `make test-ray` installs Ray."""

from __future__ import annotations

import importlib.util
import logging
import os
import time

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from benchmarks.measure import ROOT, seconds, show, show_at_most, title
from benchmarks.stub import running

SMALL: Final = 20_000
ROWS: Final = 200_000
SHARDS: Final = 8
ROUNDS: Final = 2
LATENCY_MS: Final = 50
STORE: Final = 1 << 30
NAP: Final = 0.2
BLOCKS: Final = {"batch_size": 4_096, "batch_format": "pyarrow"}


def main() -> None:
    """Print every figure."""
    if not is_installed():
        show("Ray is not installed: nothing of clusters was measured", "", wanted="make test-ray installs it")
        return
    from synapse import Session, Task

    key = "syn_0123456789abcdef"
    with running("--rows", ROWS, "--latency", LATENCY_MS) as url, two_workers(url, key):
        query = Task.objects.using(Session(url, api_token=key))
        started = seconds(_naps)
        nap = min(seconds(_naps) for _ in range(ROUNDS))
        show("Ray itself: its workers start, and end a first dataset", f"{started:.2f} s")
        show(f"{SHARDS} tasks that sleep {NAP} s, half of them at a time", f"{nap:.2f} s")
        small, large = _compare(query.filter(id__lte=SMALL), SMALL), _compare(query, ROWS)
    what = f"{SHARDS} shards on two Ray workers"
    show(f"{SMALL:,} rows: {what} ÷ one process without read-ahead, with", "{:.2f} {:.2f}".format(*small))
    show_at_most(f"{ROWS:,} rows: {what} ÷ one process without read-ahead", large[0], limit=0.5)
    show_at_most("the same ÷ our own read-ahead", large[1], limit=1.2)


def is_installed() -> bool:
    """Whether there is Ray."""
    return importlib.util.find_spec("ray") is not None


@contextmanager
def two_workers(url: str, token: str) -> Iterator[None]:
    """Start Ray, whose workers read this backend."""
    import ray

    os.environ |= {
        "SYNAPSE_HOST": url,
        "SYNAPSE_API_TOKEN": token,
        "PYTHONPATH": str(ROOT),
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=STORE,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        yield
    finally:
        ray.shutdown()


def _naps() -> None:
    import ray

    def sleep(block: Any) -> Any:
        time.sleep(NAP)
        return block

    ray.data.range(SHARDS, override_num_blocks=SHARDS).map_batches(sleep).materialize()


def _compare(query: Any, rows: int) -> tuple[float, float]:
    """Give the time of Ray ÷ that of one process, without and with read-ahead."""
    title(f"{rows:,} rows at {LATENCY_MS} ms")
    alone = _least(lambda: sum(1 for _ in query.iterator(workers=1)), rows)
    ahead = _least(lambda: sum(len(batch) for batch in query.batches()), rows)
    ray = _least(lambda: sum(map(len, query.to_ray(shards=SHARDS).iter_batches(**BLOCKS))), rows)
    show("one process without read-ahead, with, and two Ray workers", f"{alone:.2f} {ahead:.2f} {ray:.2f} s")
    return ray / alone, ray / ahead


def _least(read: Callable[[], int], rows: int) -> float:
    def whole() -> None:
        assert read() == rows

    return min(seconds(whole) for _ in range(ROUNDS))


if __name__ == "__main__":
    main()
