"""Measure reading from a storage against bare obstore: `python -m benchmarks storages`; `--large` takes 1 GiB."""

from __future__ import annotations

import subprocess
import sys

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from benchmarks.measure import MIB, ROOT, Side, processor, ratio, show, show_at_least, show_at_most, sides
from benchmarks.transfers import sunk

SIZE: Final = 1024 if "--large" in sys.argv else 256  # MiB
ROUNDS: Final = 5


def main() -> None:
    """Print every figure."""
    with (
        bucket() as url,
        sunk(latency=0) as sink,
        sides(
            bare=Side("get_storage.py", url, sink.url),
            ours=Side("get_storage.py", url, sink.url),
        ) as both,
    ):
        bare, ours = [], []
        for number in range(-1, ROUNDS):
            one, other = both["bare"].round(job="bare"), both["ours"].round(job="ours")
            if number >= 0:
                bare.append(one)
                ours.append(other)
        what = f"{SIZE} MiB of a bucket"
        show(f"{what}: bare obstore, streamed", f"{SIZE / min(each.seconds for each in bare):,.0f} MiB/s")
        show(
            f"{what}: get_file() of the file system",
            f"{SIZE / min(each.seconds for each in ours):,.0f} MiB/s",
        )
        show_at_least(f"{what}: speed ÷ bare obstore", ratio(bare, ours), limit=0.9)
        show(f"{what}: processor time ÷ bare obstore's", f"{processor(ours, bare):.2f}")
        growth = max(each.growth for each in ours) / MIB
        show_at_most(f"{what}: growth of memory", growth, limit=32, unit=" MiB", digits=1)
        sent = both["ours"].round(job="upload")
        show(f"{what}, uploaded in chunks into the sink", f"{SIZE / sent.seconds:,.0f} MiB/s")
        show_at_most(
            f"{what}, uploaded: growth of memory", sent.growth / MIB, limit=32, unit=" MiB", digits=1
        )


@contextmanager
def bucket() -> Iterator[str]:
    """Run a bucket in a process of its own."""
    command = [sys.executable, str(ROOT / "benchmarks" / "bucket.py"), str(SIZE)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield process.stdout.readline().strip()
        process.stdin.close()
