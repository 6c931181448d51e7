"""Reading at speed: the SDK beside bare requests and the vendor's client, against a stub that only serves bytes."""

from __future__ import annotations

import json
import urllib.request

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import median

from benchmarks.measure import MIB, Round, Side, contest, ratio, show, show_at_most, sides, vendor_python
from benchmarks.stub import PROJECTS, running, speed

HELD = 100_000
MILLION = 1_000_000
RELATED = 300
FLAGS = {"json": "plain-json", "unguarded": "unguarded", "large": "large-pages"}


@contextmanager
def contestants(url: str, *names: str) -> Iterator[dict[str, Side]]:
    """Start who takes part: the vendor's client where it can be had; what is not `bare` either is ours.

    `bare` asks for pages of 100 as the vendor's client does, `large` is bare with pages of 1,000.
    `json` and `orjson` are ours with that decoder, `unguarded` is ours without change detection inside JSON fields.
    """
    made = {}
    for name in names:
        if name == "vendor":
            python = vendor_python()
            if python is not None:
                made[name] = Side("readers.py", "vendor", url, python=python)
        elif name in ("bare", "large"):
            made[name] = Side("readers.py", "bare", url, FLAGS.get(name, ""))
        else:
            made[name] = Side("readers.py", "ours", url, FLAGS.get(name, ""))
    with sides(**made) as entered:
        yield entered


def beside(what: str, results: dict[str, list[Round]], *, limits: dict[str, float]) -> None:
    """Print the quotients of each of ours, then the vendor's."""
    for name, limit in limits.items():
        decoder = " (orjson)" if name == "orjson" else ""
        show_at_most(f"{what}{decoder} ÷ bare requests", ratio(results[name], results["bare"]), limit=limit)
    if "vendor" in results:
        show("    the vendor's client ÷ bare requests", f"{ratio(results['vendor'], results['bare']):.2f}")
    if "large" in results:
        show(
            "    bare requests, pages of 1,000 ÷ pages of 100",
            f"{ratio(results['large'], results['bare']):.2f}",
        )
    show("    seconds", "", wanted=times(results))


def times(results: dict[str, list[Round]]) -> str:
    """Say how long each took."""
    return "  ".join(
        f"{name} {median(each.seconds for each in rounds):.2f}" for name, rounds in results.items()
    )


def without_latency() -> None:
    """Read 20,000 tasks as fast as they come."""
    for flags, kind in (([], ""), (["--lean"], " that hold no data")):
        with (
            running("--rows", 20_000, *flags) as url,
            contestants(url, "json", "orjson", "bare", "large", "vendor") as who,
        ):
            if not flags:
                pages, megabytes = speed(url)
                show("the stub itself: pages of 100 a second", f"{pages:.0f}", wanted=f"{megabytes:.0f} MB/s")
            results = contest(who, rounds=5, what="read")
            beside(f"20,000 tasks{kind}, no latency", results, limits={"json": 1.3, "orjson": 0.8})


def with_latency() -> None:
    """Read 5,000 tasks from afar."""
    with (
        running("--rows", 5_000, "--latency", 50) as url,
        contestants(url, "orjson", "bare", "vendor") as who,
    ):
        beside("5,000 tasks at 50 ms", contest(who, rounds=2, what="read"), limits={"orjson": 0.2})


def with_offsets() -> None:
    """Read 20,000 tasks where each page costs more, the deeper it lies."""
    with ExitStack() as stack:
        url = stack.enter_context(running("--rows", 20_000, "--offset-cost", 0.5))
        who = stack.enter_context(contestants(url, "orjson", "bare", "vendor"))
        results = contest(who, rounds=1, warm=0, what="read")
        beside("20,000 tasks, 0.5 ms a page skipped", results, limits={"orjson": 0.12})


def relations() -> None:
    """Touch the project and the unit of 300 tasks."""
    with running("--rows", RELATED) as url, contestants(url, "orjson", "bare") as who:
        results = contest(who, rounds=3, what="relations")
        assert results["orjson"][0].said == results["bare"][0].said
        asked(url)
        who["orjson"].round(what="relations")
        most = 12 + PROJECTS
        count = asked(url)
        show(f"relations of {RELATED} tasks: requests", str(count), wanted=f"≤ {most}", met=count <= most)
        quotient = ratio(results["orjson"], results["bare"])
        show_at_most(f"relations of {RELATED} tasks ÷ one request each", quotient, limit=0.1, digits=3)


def asked(url: str) -> int:
    """Give the number of requests since the last time."""
    with urllib.request.urlopen(f"{url}/stub/") as answer:
        return int(json.load(answer)["requests"])


def change_detection() -> None:
    """Touch both JSON fields of 20,000 tasks, with the copies that edits are compared with and without."""
    with running("--rows", 20_000) as url, contestants(url, "orjson", "unguarded") as who:
        results = contest(who, rounds=7, what="read data")
        with_and_without = zip(results["orjson"], results["unguarded"], strict=True)
        share = 1 - median(without.cpu / guarded.cpu for guarded, without in with_and_without)
        show_at_most("change detection inside JSON fields: share of the processor's time", share, limit=0.1)


def first_row() -> None:
    """Come to the first row of a long query."""
    latency = 0.1
    with (
        running("--rows", HELD, "--latency", 1000 * latency) as url,
        contestants(url, "orjson", "bare") as who,
    ):
        results = contest(who, rounds=3, what="first")
        trips = median(each.said for each in results["orjson"]) / latency
        show_at_most(
            "first row of 100,000: time ÷ one answer's latency (2 and what it takes)", trips, limit=2.3
        )


def memory() -> None:
    """Hold many rows, and stream a million."""
    with running("--rows", HELD) as url, contestants(url, "orjson", "json", "bare") as who:
        grown = {name: side.round(what="held").said / MIB for name, side in who.items()}
    for name in ("json", "orjson"):
        quotient = grown[name] / grown["bare"]
        show_at_most(f"{HELD:,} tasks held ({name}) ÷ the same rows as dicts", quotient, limit=1.1)
    show("    MiB", "", wanted="  ".join(f"{name} {mib:.0f}" for name, mib in grown.items()))
    with running("--rows", MILLION, "--lean") as url, contestants(url, "orjson") as who:
        result = who["orjson"].round(what="streamed")
    said = result.said
    assert said["rows"] == MILLION
    grown, drift = (said["first"] - said["settled"]) / MIB, (said["second"] - said["first"]) / MIB
    show_at_most("a million rows streamed: growth after 50,000", grown, limit=8, unit=" MiB", digits=1)
    show_at_most(
        "a million rows streamed: second half over first half", drift, limit=4, unit=" MiB", digits=1
    )
    show("    rows a second", f"{MILLION / result.seconds:,.0f}")


def main() -> None:
    """Print every figure."""
    for part in (without_latency, with_latency, with_offsets, relations, change_detection, first_row, memory):
        part()


if __name__ == "__main__":
    main()
