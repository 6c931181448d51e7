"""The report of an upload."""

from __future__ import annotations

import pickle
import tracemalloc

import pytest

from synapse.errors import SynapseError, TransferError
from synapse.uploads import Report
from synapse.uploads.report import Converters, OutcomeTable, Status

Row = tuple[str, Status, int | None, Exception | None]

BAD: list[Row] = [(f"{number}.png", "failed", None, TransferError("no file")) for number in range(6)]
MIXED: list[Row] = [("a", "created", 1, None), *BAD, ("b", "reused", 2, None), ("c", "unknown", None, None)]


def ledger_of(rows: list[Row]) -> OutcomeTable:
    """Write down what became of items."""
    ledger = OutcomeTable()
    for item, status, unit, error in rows:
        ledger.record(ledger.add(item), status, unit=unit, error=error)
    return ledger


def test_counts_by_status() -> None:
    """Each outcome is found under its status, and by its place."""
    report = Report(ledger_of(MIXED), bytes_sent=7)

    assert [["a"], ["b"], [row[0] for row in BAD], ["c"]] == [
        [outcome.item for outcome in outcomes]
        for outcomes in (report.created, report.reused, report.failed, report.unknown)
    ]
    assert (9, 1, ["unknown"], 7) == (
        len(report),
        report[0].unit,
        [o.status for o in report[-1:]],
        report.bytes_sent,
    )


def test_makes_objects_as_they_are_asked_for() -> None:
    """Units and tasks are kept as keys, items as whatever stands for them."""
    ledger = OutcomeTable()
    ledger.record(ledger.add("a"), "created", unit=1, task=2)
    report = Report(ledger, show=Converters(item=str.upper, unit="unit {}".format, task="task {}".format))

    assert ("A", "unit 1", "task 2", None) == (
        report[0].item,
        report[0].unit,
        report[0].task,
        report[0].error,
    )


def test_prints_as_a_short_table() -> None:
    """The counts come first, then the first few errors."""
    lines = str(Report(ledger_of([("a", "created", 1, None), *BAD]), bytes_sent=12345)).splitlines()

    assert ["created            1", "reused             0", "failed             6"] == lines[:3]
    assert ["sent          12,345 bytes", "failed: 0.png: no file", "… and 1 more"] == [
        lines[4],
        lines[5],
        lines[-1],
    ]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("caf\udce9.png", "caf\\udce9.png"),
        ("\x1b[31mred.png", "\\x1b[31mred.png"),
        ("two\nlines\r.png", "two\\nlines\\r.png"),
        ("표지판 a.png", "표지판 a.png"),
    ],
)
def test_prints_names_that_no_terminal_obeys(name: str, shown: str) -> None:
    """Control characters and what is no text are escaped, also in the words of an error and the title."""
    rows: list[Row] = [(name, "failed", None, TransferError(f"no {name}"))]
    text = str(Report(ledger_of(rows), title=f"run {name}"))

    assert (f"run {shown}", f"failed: {shown}: no {shown}") == (text.splitlines()[0], text.splitlines()[-1])
    assert text.encode()


def test_prints_a_plan() -> None:
    """What a dry run would do is said as such, with what it would send."""
    ledger = ledger_of([("a", "planned", None, None), *BAD[:1]])
    lines = str(Report(ledger, title="dry run", bytes_planned=2000)).splitlines()

    assert ["dry run", "planned            1", "failed             1", "size           2,000 bytes"] == lines[
        :4
    ]
    assert ["planned: a", "failed: 0.png: no file"] == lines[4:]


def test_prints_no_errors_if_there_are_none() -> None:
    """A clean report is the table alone."""
    assert 5 == len(str(Report(OutcomeTable())).splitlines())


def test_is_shown_in_one_line() -> None:
    """In a list of values, a report is one line."""
    assert "<Report of 6 items, 6 not done or not known to be>" == repr(Report(ledger_of(BAD)))


def test_survives_pickling() -> None:
    """A report comes back from a pickle with its outcomes."""
    assert ["0.png"] == [outcome.item for outcome in pickle.loads(pickle.dumps(Report(ledger_of(BAD[:1]))))]


def test_holds_few_bytes_for_an_item() -> None:
    """Of an item that is done, the report keeps its place, its status, and two keys."""
    names = [f"{number}.png" for number in range(10_000)]
    tracemalloc.start()
    ledger = ledger_of([(name, "created", 1, None) for name in names])
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()

    assert held / len(ledger.items) < 60


def test_lets_go_of_the_frames_that_many_errors_came_through() -> None:
    """The first errors can be traced; of the others, no value of their time is held."""
    errors = [raised() for _ in range(150)]
    report = Report(ledger_of([("a", "failed", None, error) for error in errors]))
    first, *_, last = (outcome.error for outcome in report)

    assert isinstance(first, SynapseError) and isinstance(last, SynapseError)
    assert (True, True) == (first.__traceback__ is not None, last.__traceback__ is None)
    assert last.__cause__ is not None and last.__cause__.__traceback__ is None


def raised() -> Exception:
    """Give an error that was raised for another."""
    try:
        try:
            raise TransferError("inner")
        except TransferError as error:
            raise SynapseError("outer") from error
    except SynapseError as error:
        return error
