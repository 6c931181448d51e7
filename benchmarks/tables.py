"""Tables of tasks beside what people write by hand, and what a table costs the backend."""

from __future__ import annotations

from benchmarks.measure import MIB, Round, Side, contest, processor, show, show_at_most, sides
from benchmarks.reading import asked
from benchmarks.stub import running

ROWS = 20_000
MANY = 100_000


def contender(who: str, url: str, *made: str) -> Side:
    """Start one who takes part, and makes one thing or what it is told."""
    return Side("framers.py", who, url, *made)


def times() -> None:
    """Read 20,000 tasks into a table."""
    with running("--rows", ROWS) as url:
        made = {"arrow": "ours", "pandas": "ours", "dicts": "bare", "frame": "bare"}
        with sides(**{what: contender(who, url, what) for what, who in made.items()}) as contestants:
            results = contest(contestants, rounds=5)
    arrow = results["arrow"]
    line = f"to_arrow() of {ROWS:,} tasks"
    show_at_most(f"{line} ÷ bare requests and orjson", processor(arrow, results["dicts"]), limit=0.9)
    show_at_most(f"{line} ÷ a pandas frame by hand", processor(arrow, results["frame"]), limit=0.4)
    show("    to_pandas() ÷ a pandas frame by hand", f"{processor(results['pandas'], results['frame']):.2f}")


def memory() -> None:
    """See what a table takes, in a fresh process, and the most that was taken while it was made."""
    taken: dict[str, Round] = {}
    with running("--rows", ROWS) as url:
        for what in ("arrow held", "arrow held again", "frame held"):
            who = "bare" if what.startswith("frame") else "ours"
            with sides(one=contender(who, url, what)) as one:
                taken[what] = contest(one, rounds=1, warm=0)["one"][0]
    arrow, frame = taken["arrow held"], taken["frame held"]
    line = f"to_arrow() of {ROWS:,} tasks: memory"
    show_at_most(f"{line} ÷ a pandas frame by hand", arrow.said / frame.said, limit=0.2)
    told = f"{arrow.said / MIB:.0f} and {frame.said / MIB:.0f} MiB"
    most = f"at most {arrow.growth / MIB:.0f} and {frame.growth / MIB:.0f} on the way"
    show("    which is", told, wanted=most)
    again = taken["arrow held again"].said / frame.said
    show("    the same in a process that has read 500 rows before", f"{again:.2f}")


def streamed() -> None:
    """Write few tasks and many as Parquet: what the larger file takes more; and what batches take."""
    few, many = (_growth(rows, "parquet") for rows in (ROWS, MANY))
    more = many - few
    show_at_most(f"to_parquet() of {MANY:,}: growth beside {ROWS:,}", more, limit=10, unit=" MiB", digits=1)
    show(f"    batches() of {MANY:,}, of the usual size: growth", f"{_growth(MANY, 'batches'):.0f} MiB")


def _growth(rows: int, what: str) -> float:
    """Give the growth of a fresh process that reads so many rows, in MiB."""
    with running("--rows", rows) as url, sides(ours=contender("ours", url)) as who:
        return contest(who, rounds=1, warm=0, what=what)["ours"][0].growth / MIB


def requests() -> None:
    """Count the downloads of a join with itself, and the writes of a table that was changed nowhere."""
    with running("--rows", ROWS) as url, sides(ours=contender("ours", url)) as who:
        who["ours"].round(what="arrow")
        once = asked(url)
        joined = who["ours"].round(what="self-join").said
        assert joined == ROWS, joined
        downloads = asked(url) / once
        show(
            "a DuckDB join of a query with itself: downloads",
            f"{downloads:.1f}",
            wanted="1",
            met=downloads < 1.5,
        )
        writes = who["ours"].round(what="round trip").said
        show("to_arrow() → update_from(): writes", str(writes), wanted="0", met=writes == 0)


def main() -> None:
    """Print every figure."""
    for part in (times, memory, streamed, requests):
        part()


if __name__ == "__main__":
    main()
