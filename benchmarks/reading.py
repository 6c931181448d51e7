"""Reading at speed: the SDK beside bare requests, against a stub that only serves bytes.

`--vendor` among the arguments adds the vendor's client, which is installed for that.
"""

from __future__ import annotations

import json
import sys
import urllib.request

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from statistics import median
from typing import Any

from benchmarks.measure import (
    MIB,
    Round,
    Side,
    contest,
    processor,
    ratio,
    show,
    show_at_most,
    sides,
    vendor_python,
)
from benchmarks.stub import KNOWN, LEAN, USUAL, WORDY, running, speed

ROWS = 20_000
HELD = 100_000
MANY = 200_000
RELATED = 300
Limits = Mapping[str, float]


@contextmanager
def contestants(url: str, *names: str) -> Iterator[dict[str, Side]]:
    """Start who takes part.

    `fast` is ours with the extra, `core` ours without, `unguarded` ours without change detection inside JSON fields.
    `bare` asks for pages of 100 as the vendor's client does, `large` is bare with pages of 1,000.
    """
    made = {}
    for name in names:
        if name != "vendor":
            script = "bare" if name in ("bare", "large") else "ours"
            made[name] = Side("readers.py", script, url, name)
        elif "--vendor" in sys.argv and (python := vendor_python()) is not None:
            made[name] = Side("readers.py", "vendor", url, python=python)
    with sides(**made) as entered:
        yield entered


def beside(what: str, results: dict[str, list[Round]], *, limits: Limits) -> None:
    """Print the quotients of the processor's time, each on a line with its limit."""
    for name, rounds in results.items():
        if name != "bare":
            quotient, line = processor(rounds, results["bare"]), f"{what} ({name}) ÷ bare requests"
            if name in limits:
                show_at_most(line, quotient, limit=limits[name])
            else:
                show(line, f"{quotient:.2f}")


def elapsed(what: str, results: dict[str, list[Round]], *, limit: float) -> None:
    """Print the quotients of the time that passed, ours with its limit."""
    for name, rounds in results.items():
        if name == "fast":
            quotient = ratio(rounds, results["bare"])
            show_at_most(f"{what} ÷ bare requests", quotient, limit=limit, digits=3)
        elif name != "bare":
            show(f"{what} ({name}) ÷ bare requests", f"{ratio(rounds, results['bare']):.3f}")


def against_bare(
    what: str, line: str, *, fast: float, core: float, rows: int = ROWS, rounds: int = 3
) -> None:
    """Measure ours with the extra and without beside bare requests."""
    with running("--rows", rows) as url, contestants(url, "fast", "core", "bare", "vendor") as who:
        results = contest(who, rounds=rounds, what=what)
        beside(line, results, limits={"fast": fast, "core": core})


def without_latency() -> None:
    """Read 20,000 tasks as fast as they come, and look at more and more of each."""
    with running("--rows", ROWS) as url:
        pages, megabytes = speed(url, pages=500)
        show("the stub itself: pages of 100 a second", f"{pages:.0f}", wanted=f"{megabytes:.0f} MB/s")
        with contestants(url, "fast", "core", "bare", "large", "vendor") as who:
            results = contest(who, rounds=3, what="read")
            beside(f"{ROWS:,} tasks", results, limits={"fast": 0.45, "core": 1.0})
    against_bare("read data", "`data` and `meta` of every row read", fast=0.7, core=1.2)
    against_bare("read all", "every field of every row read", fast=1.2, core=1.7)


def with_latency() -> None:
    """Read from afar, and where each page costs more, the deeper it lies."""
    for flags, line, limit in (
        (("--rows", 5_000, "--latency", 50), "5,000 tasks at 50 ms", 0.13),
        (("--rows", ROWS, "--offset-cost", 0.5), f"{ROWS:,} tasks, 0.5 ms a page skipped", 0.07),
    ):
        with running(*flags) as url, contestants(url, "fast", "bare", "vendor") as who:
            results = contest(who, rounds=1, warm=0, what="read")
            elapsed(line, results, limit=limit)


def looks() -> None:
    """Compare rows that differ in one thing: digits in their checksums, a key that nobody knows."""
    with ExitStack() as stack:
        who: dict[str, Side] = {}
        # All in turn, since the speed of a machine is another one a minute later.
        for look in (USUAL, WORDY, KNOWN):
            url = stack.enter_context(running("--rows", ROWS, "--look", look))
            entered = stack.enter_context(contestants(url, "fast", "core"))
            who |= {f"{look} {name}": side for name, side in entered.items()}
        seen = contest(who, rounds=3, what="read")
    for name in ("fast", "core"):
        digits = processor(seen[f"{USUAL} {name}"], seen[f"{WORDY} {name}"])
        show_at_most(f"rows with checksums ÷ without digits ({name})", digits, limit=1.05)
        unknown = processor(seen[f"{USUAL} {name}"], seen[f"{KNOWN} {name}"])
        show_at_most(f"one unknown key ÷ none ({name})", unknown, limit=1.15)


def relations() -> None:
    """Touch the project and the unit of 300 tasks."""
    with running("--rows", RELATED) as url, contestants(url, "fast", "bare", "vendor") as who:
        results = contest(who, rounds=2, what="relations")
        assert results["fast"][0].said == results["bare"][0].said
        asked(url)
        who["fast"].round(what="relations")
        count = asked(url)
        show(f"relations of {RELATED} tasks: requests", str(count), wanted="≤ 15", met=count <= 15)
        elapsed(f"relations of {RELATED} tasks, of which bare asks for each", results, limit=0.03)


def asked(url: str) -> int:
    """Give the number of requests since the last time."""
    with urllib.request.urlopen(f"{url}/stub/") as answer:
        return int(json.load(answer)["requests"])


def calls() -> None:
    """Get many by key, create many, and make single calls."""
    with running("--rows", ROWS) as url, contestants(url, "fast", "core", "bare", "vendor") as who:

        def compare(what: str, line: str, **limits: float) -> None:
            # The vendor's client creates tasks one by one.
            able = {name: side for name, side in who.items() if (name, what) != ("vendor", "created")}
            beside(line, contest(able, rounds=3, what=what), limits=limits)

        compare("in_bulk", "in_bulk() of 5,000", fast=0.5)
        compare("created", "bulk_create() of 5,000", fast=2.5)
        compare("get", "get()", fast=0.7)
        compare("count", "count()", fast=0.7)
        compare("first row", "first()", fast=0.9)


def change_detection() -> None:
    """Touch both JSON fields of 20,000 tasks, with what edits are compared with and without."""
    with running("--rows", ROWS) as url, contestants(url, "fast", "unguarded") as who:
        # The least of three rounds is not the same to a tenth; this share is less than that.
        results = contest(who, rounds=15, what="read data")
        share = 1 - processor(results["unguarded"], results["fast"])
        show_at_most("change detection inside JSON fields: share of the processor's time", share, limit=0.02)


def first_row() -> None:
    """Come to the first row of a long query."""
    latency = 0.1
    with running("--rows", HELD, "--latency", 1000 * latency) as url, contestants(url, "fast") as who:
        trips = median(each.said for each in contest(who, rounds=2, what="first")["fast"]) / latency
        show_at_most("first row of 100,000: time ÷ one answer's latency", trips, limit=2.3)


def warm_up(who: Mapping[str, Side]) -> None:
    """Have each import what it needs, by a page that is large enough for msgspec; first use has figures of its own."""
    for side in who.values():
        side.round(what="warm up")


def held() -> None:
    """Hold many rows, and stream them."""
    with running("--rows", HELD) as url:
        with contestants(url, "fast", "core", "bare", "vendor") as who:
            warm_up(who)
            results = {name: [side.round(what="held")] for name, side in who.items()}
        beside(f"{HELD:,} tasks held", results, limits={"fast": 0.3, "core": 0.9})
        for name, rounds in results.items():
            grown: Any = rounds[0].said / results["bare"][0].said
            line = f"{HELD:,} tasks held: memory ({name}) ÷ dicts"
            if limit := {"fast": 0.5, "core": 1.0}.get(name):
                show_at_most(line, grown, limit=limit)
            elif name != "bare":
                show(line, f"{grown:.2f}")
        with contestants(url, "fast", "core", "bare", "vendor") as who:
            warm_up(who)
            results = {name: [side.round(what="streamed")] for name, side in who.items()}
        beside(f"{HELD:,} tasks streamed", results, limits={"fast": 0.4, "core": 1.1})


def streamed() -> None:
    """See that memory doesn't grow with the rows that were read."""
    with running("--rows", MANY, "--look", LEAN) as url, contestants(url, "fast") as who:
        said = who["fast"].round(what="streamed").said
    assert said["rows"] == MANY
    grown, drift = (said["first"] - said["settled"]) / MIB, (said["second"] - said["first"]) / MIB
    line = f"{MANY:,} rows streamed"
    show_at_most(f"{line}: growth after the first tenth", grown, limit=8, unit=" MiB", digits=1)
    show_at_most(f"{line}: second half over first half", drift, limit=4, unit=" MiB", digits=1)


def main() -> None:
    """Print every figure."""
    parts = (
        without_latency,
        looks,
        calls,
        change_detection,
        held,
        streamed,
        with_latency,
        relations,
        first_row,
    )
    for part in parts:
        part()


if __name__ == "__main__":
    main()
