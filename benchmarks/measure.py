"""What every benchmark shares: figures, contestants in processes of their own, time and memory.

Of the standard library only, since the vendor's interpreter imports it as well.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import subprocess
import sys
import time

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
MIB: Final = 1 << 20

_missed: Final[list[str]] = []


# --- figures --------------------------------------------------------------------
def show(what: str, measured: str, *, wanted: str = "", met: bool = True) -> None:
    """Print one figure, and say so where it misses what is wanted."""
    if not met:
        _missed.append(what)
    sys.stdout.write(f"{what:<66} {measured:>14}   {wanted}{'' if met else '   MISSED'}\n")
    sys.stdout.flush()


def show_at_most(what: str, measured: float, *, limit: float, unit: str = "", digits: int = 2) -> None:
    """Print a figure that must not be larger than *limit*."""
    show(what, f"{measured:.{digits}f}{unit}", wanted=f"≤ {limit:g}{unit}", met=measured <= limit)


def show_at_least(what: str, measured: float, *, limit: float, unit: str = "", digits: int = 2) -> None:
    """Print a figure that must not be smaller than *limit*."""
    show(what, f"{measured:.{digits}f}{unit}", wanted=f"≥ {limit:g}{unit}", met=measured >= limit)


def title(text: str) -> None:
    """Print a heading."""
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


def missed() -> list[str]:
    """Name the figures that missed so far."""
    return list(_missed)


# --- time and memory ------------------------------------------------------------
def seconds(work: Callable[[], object]) -> float:
    """Time one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def resident() -> int:
    """Give the bytes of memory that this process holds now."""
    return _status("VmRSS") or _most()


def peak() -> int:
    """Give the most bytes that this process held since it started, or since `forget_peak()`."""
    return _status("VmHWM") or _most()


def forget_peak() -> None:
    """Let `peak()` count from now on, where the system can do that."""
    if os.access("/proc/self/clear_refs", os.W_OK):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status(name: str) -> int:
    # A process that was just started inherits its parent's ru_maxrss; this does not.
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="ascii").splitlines() if path.is_file() else []
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def _most() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


# --- contestants ----------------------------------------------------------------
class Round(NamedTuple):
    """One run of a contestant: how long, how much processor, most memory and its growth, and what it gave."""

    seconds: float
    cpu: float
    peak: int
    growth: int
    said: Any


class Side:
    """A contestant: a process of its own that runs its work whenever it is told to, and times it there.

    `script` is a file of `benchmarks/` that ends in `run_rounds(…)`. What starts and what is imported is not timed.
    """

    def __init__(
        self,
        script: str,
        *args: object,
        python: Path | str = sys.executable,
        env: Mapping[str, str] | None = None,
    ) -> None:
        command = [str(python), str(ROOT / "benchmarks" / script), *map(str, args)]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
        )

    def round(self, **given: Any) -> Round:
        """Run the work once, with these arguments."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(given) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return Round(**json.loads(line))

    def close(self) -> None:
        """End the process."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()


@contextmanager
def sides(**contestants: Side) -> Iterator[dict[str, Side]]:
    """Give contestants by name, and end them afterwards."""
    try:
        yield contestants
    finally:
        for side in contestants.values():
            side.close()


def run_rounds(work: Callable[..., Any]) -> None:
    """Be a contestant: run *work* for each line of standard input, and print what it took."""
    for line in sys.stdin:
        gc.collect()
        forget_peak()
        before, cpu, start = resident(), time.process_time(), time.perf_counter()
        said = work(**json.loads(line))
        spent = time.perf_counter() - start
        most = peak()
        result = Round(spent, time.process_time() - cpu, most, most - before, said)
        sys.stdout.write(json.dumps(result._asdict()) + "\n")
        sys.stdout.flush()


def contest(
    contestants: Mapping[str, Side], *, rounds: int, warm: int = 1, **given: Any
) -> dict[str, list[Round]]:
    """Run every contestant in turn, round by round, so that noise hits all of them; the first rounds don't count."""
    results: dict[str, list[Round]] = {name: [] for name in contestants}
    for number in range(warm + rounds):
        names = list(contestants) if number % 2 else list(reversed(contestants))
        for name in names:
            result = contestants[name].round(**given)
            if number >= warm:
                results[name].append(result)
    return results


def ratio(ours: list[Round], others: list[Round]) -> float:
    """Give the middle one of the quotients of times, each of one round."""
    return median(our.seconds / other.seconds for our, other in zip(ours, others, strict=True))


def processor(ours: list[Round], others: list[Round]) -> float:
    """Give the quotient of the least times of the processor, which other work of the machine disturbs least."""
    return min(each.cpu for each in ours) / min(each.cpu for each in others)


def alternately(mine: Callable[[], object], other: Callable[[], object], *, rounds: int) -> float:
    """Run two calls in turn in this process; give the middle one of the quotients of their times."""
    quotients = []
    for number in range(rounds):
        first, second = (mine, other) if number % 2 else (other, mine)
        times = {work: seconds(work) for work in (first, second)}
        quotients.append(times[mine] / times[other])
    return median(quotients)


def vendor_python() -> Path | None:
    """Give the interpreter that has the vendor's client, installing that the first time; or say why there is none."""
    from tests.interop.vendor_env import VendorEnvironmentError, ensure_vendor_python

    try:
        return ensure_vendor_python()
    except VendorEnvironmentError as error:
        show("the vendor's client", "not measured", wanted=str(error))
        return None
