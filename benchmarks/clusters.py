"""Ray over shards, beside one process with and without read-ahead; `make test-ray` installs Ray."""

from __future__ import annotations

import importlib.util
import logging
import os

from typing import Any, Final

from benchmarks.measure import ROOT, seconds, show, show_at_most
from benchmarks.stub import running

ROWS: Final = 20_000
SHARDS: Final = 8
ROUNDS: Final = 3
LATENCY_MS: Final = 50
STORE: Final = 200 << 20


def main() -> None:
    """Print every figure."""
    if importlib.util.find_spec("ray") is None:
        show("Ray is not installed: nothing of clusters was measured", "", wanted="make test-ray installs it")
        return
    from synapse import Session, Task

    with running("--rows", ROWS, "--latency", LATENCY_MS) as url:
        os.environ |= {
            "SYNAPSE_HOST": url,
            "SYNAPSE_API_TOKEN": "syn_0123456789abcdef",
            "PYTHONPATH": str(ROOT),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        query = Task.objects.using(Session(url, api_token="syn_0123456789abcdef"))
        alone = _least(lambda: sum(1 for _ in query.iterator(workers=1)))
        ahead = _least(lambda: sum(len(batch) for batch in query.batches()))
        first, ray = _with_ray(query)
    what = f"{ROWS:,} rows at {LATENCY_MS} ms"
    show(f"{what}: one process, without and with read-ahead", f"{alone:.2f} {ahead:.2f} s")
    show("two Ray workers, the first time (they start) and then", f"{first:.2f} {ray:.2f} s")
    show_at_most(
        f"{SHARDS} shards on two Ray workers ÷ one process without read-ahead", ray / alone, limit=0.5
    )
    show_at_most("the same ÷ our own read-ahead", ray / ahead, limit=1.2)


def _with_ray(query: Any) -> tuple[float, float]:
    """Time the first reading by Ray, and the fastest of the others."""
    import ray

    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=STORE,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        ray.data.DataContext.get_current().enable_progress_bars = False

        def read() -> int:
            dataset = query.to_ray(shards=SHARDS)
            return sum(len(batch) for batch in dataset.iter_batches(batch_size=4_096, batch_format="pyarrow"))

        return seconds(read), _least(read)
    finally:
        ray.shutdown()


def _least(read: Any) -> float:
    assert read() == ROWS
    return min(seconds(read) for _ in range(ROUNDS))
