"""Many threads on one session: errors, answers that got to the wrong thread, connections, time and memory."""

from __future__ import annotations

import json
import sys
import urllib.request

from typing import Any

from benchmarks.callers import ROWS
from benchmarks.measure import MIB, Side, show, show_at_most, sides
from benchmarks.stub import running

THREADS = 32
CALLS = 2_000
WORKERS = 8
"""What a session has if it is told nothing; as many bare threads stand beside it."""


def main() -> None:
    """Print every figure; `--quick` makes a tenth of the calls."""
    calls = CALLS // 10 if "--quick" in sys.argv else CALLS
    with (
        running("--rows", ROWS) as url,
        sides(ours=Side("callers.py", "ours", url), bare=Side("callers.py", "bare", url)) as who,
    ):
        who["ours"].round(threads=THREADS, calls=50)
        who["bare"].round(threads=WORKERS, calls=50)
        _counted(url)
        ours = who["ours"].round(threads=THREADS, calls=calls)
        counted = _counted(url)
        bare = who["bare"].round(threads=WORKERS, calls=THREADS * calls // WORKERS)
    what = f"{THREADS} threads × {calls:,} calls on one session"
    show_at_most(f"{what}: errors", ours.said["failed"], limit=0, digits=0)
    show_at_most("    answers that got to the wrong thread", ours.said["mixed up"], limit=0, digits=0)
    show_at_most("    connections opened", counted["accepted"], limit=WORKERS, digits=0)
    show_at_most("    connections open at once", counted["open_at_once"], limit=WORKERS, digits=0)
    show_at_most(f"    time ÷ {WORKERS} bare threads with requests", ours.seconds / bare.seconds, limit=1.3)
    show_at_most("    growth of memory", ours.growth / MIB, limit=8, unit=" MiB", digits=1)
    show("    calls a second", f"{THREADS * calls / ours.seconds:,.0f}")


def _counted(url: str) -> Any:
    """Give what the stub counted since it was asked last."""
    with urllib.request.urlopen(f"{url}/stub/") as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
