"""Exports of annotations, beside reading the same tasks; the stub's rows have two boxes and a signed address each."""

from __future__ import annotations

from benchmarks.measure import MIB, Side, contest, processor, ratio, show, show_at_most, sides
from benchmarks.stub import SIZED, running

ROWS = 20_000
MANY = 100_000


def times() -> None:
    """Write 20,000 tasks as COCO, and read them."""
    with running("--rows", ROWS, "--look", SIZED) as url, sides(ours=Side("readers.py", "ours", url)) as who:
        results = {
            what: contest(who, rounds=3, what=what)["ours"]
            for what in ("read labels", "read annotations", "export coco", "export jsonl")
        }
    coco = results["export coco"]
    for what in ("read labels", "read annotations"):
        quotient = processor(coco, results[what])
        limit = {"read annotations": 1.5}.get(what)
        label = f"{ROWS:,} tasks as COCO, no files ÷ {what.replace('read', 'reading their')} and files"
        if limit is None:
            show(f"    {label}", f"{quotient:.2f}")
        else:
            show_at_most(label, quotient, limit=limit)
    show("    as jsonl ÷ as COCO", f"{ratio(results['export jsonl'], coco):.2f}")
    told = (f"{what} {min(each.seconds for each in some):.2f}" for what, some in results.items())
    show("    seconds", "", wanted="  ".join(told))


def memory() -> None:
    """Write few tasks and many: what the larger export takes more."""
    grown = {}
    for rows in (ROWS, MANY):
        with (
            running("--rows", rows, "--look", SIZED) as url,
            sides(ours=Side("readers.py", "ours", url)) as who,
        ):
            grown[rows] = contest(who, rounds=1, warm=0, what="export coco")["ours"][0].growth / MIB
    more = grown[MANY] - grown[ROWS]
    show_at_most(f"{MANY:,} tasks as COCO: growth beside {ROWS:,}", more, limit=10, unit=" MiB", digits=1)


def main() -> None:
    """Print every figure."""
    times()
    memory()


if __name__ == "__main__":
    main()
