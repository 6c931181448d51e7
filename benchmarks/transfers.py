"""Measure uploads against a sink that only counts bytes and against the sandbox: `python -m benchmarks transfers`.

`--quick` among the arguments makes everything small, for a first look.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from benchmarks.measure import (
    MIB,
    ROOT,
    Round,
    Side,
    ratio,
    seconds,
    show,
    show_at_least,
    show_at_most,
    vendor_python,
)
from synapse.sandbox import serve

QUICK: Final = "--quick" in sys.argv
LARGE: Final = (128 if QUICK else 1024) * MIB
CHUNK: Final = 50 * MIB
MANY: Final = 100 if QUICK else 400
SMALL: Final = 64 * 1024
LATENCY_MS: Final = 20
ITEMS: Final = 200 if QUICK else 10_000
BATCH: Final = 200
ROUNDS: Final = 2 if QUICK else 5
WIDE: Final = 16

Rounds = dict[str, list[Round]]


class Target(NamedTuple):
    """Where to upload to."""

    url: str
    token: str = "sink"  # noqa: S105
    tenant: str = "sink"


def main() -> None:
    """Print every figure."""
    vendor = vendor_python()
    with tempfile.TemporaryDirectory(prefix="synapse-bench-") as scratch:
        folder = Path(scratch)
        large = folder / "large.bin"
        block = os.urandom(MIB)
        with large.open("wb") as file:
            for _ in range(LARGE // MIB):
                file.write(block)
        with sunk(latency=0) as target:
            large_into_sink(target, large, vendor=vendor, folder=folder)
        with sandboxed(folder / "sandbox") as target:
            large_into_sandbox(target, large, vendor=vendor, folder=folder)
        large.unlink()
        with sunk(latency=LATENCY_MS) as target:
            many_into_sink(target, vendor=vendor, folder=folder)
        with sandboxed(folder / "many") as target:
            many_into_sandbox(target, vendor=vendor, folder=folder)


# --- one large file -------------------------------------------------------------
def large_into_sink(target: Target, large: Path, *, vendor: Path | None, folder: Path) -> None:
    """Compare with a bare PUT of the same file with its MD5, into a sink that drops what comes."""
    alone = median(seconds(lambda: flood(target.url, LARGE)) for _ in range(ROUNDS))
    show(f"the sink alone, fed {LARGE // MIB} MiB of zeros", f"{LARGE / MIB / alone:,.0f} MiB/s")
    given: Mapping[str, Mapping[str, Any]] = {
        "bare": {"job": "put", "path": str(large)},
        "blocks": {"job": "blocks", "path": str(large)},
        "ours": {"job": "chunks", "path": str(large), "size": CHUNK},
        "vendor": {"job": "chunks", "path": str(large), "size": CHUNK},
    }
    results = compete(target, given, vendor=vendor, folder=folder)
    bare, ours = results["bare"], results["ours"]
    what = f"{LARGE // MIB} MiB into the sink"
    show(f"{what}: a bare streamed PUT with its MD5", speed(bare))
    show(f"{what}: chunked upload", speed(ours))
    show_at_least(f"{what}: speed ÷ a bare streamed PUT with its MD5", ratio(bare, ours), limit=0.9)
    strict = ratio(results["blocks"], ours)
    show(f"{what}: speed ÷ http.client's PUT in blocks of 1 MiB", f"{strict:.2f}")
    cpu = median(our.cpu / other.cpu for our, other in zip(ours, bare, strict=True))
    show(f"{what}: processor time ÷ the bare PUT's", f"{cpu:.2f}")
    show_at_most(f"{what}: growth of memory", growth(ours), limit=16, unit=" MiB", digits=1)
    if "vendor" in results:
        show(f"{what}: the vendor's speed ÷ the bare PUT", f"{ratio(bare, results['vendor']):.2f}")
        show(f"{what}: growth of the vendor's memory", f"{growth(results['vendor']):.1f} MiB")


def large_into_sandbox(target: Target, large: Path, *, vendor: Path | None, folder: Path) -> None:
    """Compare with a bare loop over chunks, into the sandbox, which writes and hashes what comes."""
    chunks = {"job": "chunks", "path": str(large), "size": CHUNK}
    given = {"bare": chunks, "ours": chunks, "vendor": chunks}

    def forget() -> None:
        """Remove what was uploaded, before the disk is busy with it in the next round."""
        for path in (folder / "sandbox").rglob("*.done"):
            path.unlink()

    rounds = min(3, ROUNDS)
    results = compete(target, given, vendor=vendor, folder=folder, rounds=rounds, afterwards=forget)
    ours = results["ours"]
    what = f"{LARGE // MIB} MiB into the sandbox"
    show(f"{what}: chunked upload", speed(ours))
    show(f"{what}: speed ÷ a bare loop over chunks in memory", f"{ratio(results['bare'], ours):.2f}")
    show_at_most(f"{what}: growth of memory", growth(ours), limit=16, unit=" MiB", digits=1)
    if "vendor" in results:
        show(f"{what}: speed ÷ the vendor's", f"{ratio(results['vendor'], ours):.2f}")


# --- many small files -----------------------------------------------------------
def many_into_sink(target: Target, *, vendor: Path | None, folder: Path) -> None:
    """Compare with ten threads of bare `requests`, where every answer takes its time."""
    job = {"job": "many", "collection": 1, "project": None}
    given = {
        "bare": {**job, "batch": BATCH},
        "ours": {**job, "batch_size": BATCH},
        "wide": {**job, "batch_size": BATCH, "workers": WIDE},
        "vendor": job,
    }
    results = compete(target, given, vendor=vendor, folder=folder, files=(MANY, SMALL), warm=0)
    used = {name: rounds[:1] for name, rounds in results.items()}
    results = {name: rounds[1:] for name, rounds in results.items()}
    bare, ours = results["bare"], results["ours"]
    what = f"{MANY} files of 64 KiB at {LATENCY_MS} ms"
    show(f"{what}: ten threads of bare requests", f"{median(each.seconds for each in bare):.2f} s")
    show_at_most(f"{what}: time ÷ ten threads of bare requests", ratio(ours, bare), limit=0.55)
    show_at_most(f"{what}: the same, first use", ratio(used["ours"], used["bare"]), limit=0.75)
    show(f"{what}: the same with workers={WIDE}", f"{ratio(results['wide'], bare):.2f}")
    most = MANY + 2 * -(-MANY // BATCH)
    show_at_most(f"{what}: requests", max(each.said["requests"] for each in ours), limit=most, digits=0)
    if "vendor" in results:
        show(f"{what}: the vendor's time ÷ bare", f"{ratio(results['vendor'], bare):.2f}")


def many_into_sandbox(target: Target, *, vendor: Path | None, folder: Path) -> None:
    """Upload files into a collection with a project, and count the units and tasks that are there."""
    from synapse import DataCollection, DataUnit, FileSpecification, Project, Session, Task

    session = Session(target.url, api_token=target.token)
    given: dict[str, dict[str, Any]] = {}
    with session:
        for name in ("bare", "ours", "vendor"):
            spec = FileSpecification(name="data_1", file_type="data", is_primary=True, is_required=True)
            collection = DataCollection.objects.create(name=name, category="data", file_specifications=[spec])
            project = Project.objects.create(title=name, category="text", data_collection=collection)
            given[name] = {"job": "many", "collection": collection.id, "project": project.id}
        given["bare"]["batch"] = given["ours"]["batch_size"] = BATCH
        results = compete(target, given, vendor=vendor, folder=folder, files=(ITEMS, 1024), rounds=1, warm=0)
        what = f"{ITEMS:,} files into the sandbox with project="
        for name in results:
            there = (
                DataUnit.objects.filter(data_collection=given[name]["collection"]).count(),
                Task.objects.filter(project=given[name]["project"]).count(),
            )
            text = f"{there[0]:,} and {there[1]:,}"
            show(f"{what}: units and tasks there, {name}", text, met=there == (ITEMS, ITEMS))
    session.close()
    ours = results["ours"]
    show(f"{what}: time", f"{ours[0].seconds:.1f} s")
    show(f"{what}: requests", f"{ours[0].said['requests']:,}")
    show(f"{what}: growth of memory", f"{growth(ours):.1f} MiB")
    show(f"{what}: time ÷ ten threads of bare requests", f"{ratio(ours, results['bare']):.2f}")
    if "vendor" in results:
        show(f"{what}: time ÷ the vendor's", f"{ratio(ours, results['vendor']):.2f}")
        show(f"{what}: growth of the vendor's memory", f"{growth(results['vendor']):.1f} MiB")


# --- the contest ----------------------------------------------------------------
def compete(
    target: Target,
    given: Mapping[str, Mapping[str, Any]],
    *,
    vendor: Path | None,
    folder: Path,
    files: tuple[int, int] | None = None,
    rounds: int = ROUNDS,
    warm: int = 1,
    afterwards: Callable[[], object] = lambda: None,
) -> Rounds:
    """Let the contestants take turns, each on fresh files in a folder of its own where *files* says how many."""
    scripts = {"bare": "send_bare.py", "blocks": "send_bare.py", "vendor": "send_vendor.py"}
    results: Rounds = {}
    with ExitStack() as stack:
        sides = {}
        for name in given:
            if name == "vendor" and vendor is None:
                continue
            script = scripts.get(name, "send_ours.py")
            python = {"python": vendor} if name == "vendor" and vendor else {}
            state = {"XDG_STATE_HOME": str(folder / f"state of {name}")}
            sides[name] = Side(script, *target, env=state, **python)
            stack.callback(sides[name].close)
        for number in range(warm + rounds):
            for name in sorted(sides, reverse=bool(number % 2)):
                source = fresh(folder / f"files of {name}", *files) if files else None
                where = {"folder": str(source)} if source else {}
                result = sides[name].round(**given[name], **where)
                afterwards()
                # Memory is kept once it is had: the first round tells how much that is.
                most = max(result.growth, *(each.growth for each in results.get(name, [result])))
                results.setdefault(name, []).append(result._replace(growth=most))
    return {name: rounds[warm:] for name, rounds in results.items()}


def fresh(folder: Path, count: int, size: int) -> Path:
    """Fill a folder with files whose content nobody has seen."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(count):
        # The vendor's client refuses what begins like a program, as random bytes may.
        (folder / f"{number:05}.bin").write_bytes(b"0" + os.urandom(size - 1))
    return folder


def speed(rounds: list[Round]) -> str:
    """Give the middle speed."""
    return f"{LARGE / MIB / median(each.seconds for each in rounds):,.0f} MiB/s"


def growth(rounds: list[Round]) -> float:
    """Give the most that memory grew by, in MiB."""
    return max(each.growth for each in rounds) / MIB


# --- targets --------------------------------------------------------------------
@contextmanager
def sunk(*, latency: int) -> Iterator[Target]:
    """Run a sink in a process of its own."""
    command = [sys.executable, str(ROOT / "benchmarks" / "sink.py"), str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        yield Target(process.stdout.readline().strip())
        process.stdin.close()


@contextmanager
def sandboxed(data: Path) -> Iterator[Target]:
    """Run a sandbox that keeps its files in *data*."""
    with serve(data) as sandbox:
        yield Target(sandbox.url, sandbox.api_token, sandbox.tenant)


def flood(url: str, size: int) -> None:
    """Send that many zeros by one PUT, as fast as a socket takes them."""
    host, _, port = url.rpartition("/")[2].partition(":")
    block = memoryview(bytes(MIB))
    with socket.create_connection((host, int(port))) as connection:
        head = f"PUT /bare HTTP/1.1\r\nHost: {host}\r\nContent-Length: {size}\r\n\r\n"
        connection.sendall(head.encode())
        for _ in range(size // MIB):
            connection.sendall(block)
        connection.recv(1024)


if __name__ == "__main__":
    main()
