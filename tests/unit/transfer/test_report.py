"""The report of an upload."""

from __future__ import annotations

import pickle

from synapse.errors import TransferError
from synapse.transfer import Outcome, Report

BAD = [Outcome(f"{number}.png", "failed", error=TransferError("no file")) for number in range(6)]


def test_counts_by_status() -> None:
    """Each outcome is found under its status, and by its place."""
    created, reused, unknown = Outcome("a", "created", 1), Outcome("b", "reused", 2), Outcome("c", "unknown")
    report = Report([created, *BAD, reused, unknown], bytes_sent=7)

    assert ([created], [reused], BAD, [unknown]) == (
        report.created,
        report.reused,
        report.failed,
        report.unknown,
    )
    assert (9, created, [unknown], 7) == (len(report), report[0], report[-1:], report.bytes_sent)


def test_prints_as_a_short_table() -> None:
    """The counts come first, then the first few errors."""
    lines = str(Report([Outcome("a", "created", 1), *BAD], bytes_sent=12345)).splitlines()

    assert ["created            1", "reused             0", "failed             6"] == lines[:3]
    assert ["sent          12,345 bytes", "failed: 0.png: no file", "… and 1 more"] == [
        lines[4],
        lines[5],
        lines[-1],
    ]


def test_prints_no_errors_if_there_are_none() -> None:
    """A clean report is the table alone."""
    assert 5 == len(str(Report([])).splitlines())


def test_is_shown_in_one_line() -> None:
    """In a list of values, a report is one line."""
    assert "<Report of 6 items, 6 not done or not known to be>" == repr(Report(BAD))


def test_survives_pickling() -> None:
    """A report comes back from a pickle with its outcomes."""
    assert ["0.png"] == [outcome.item for outcome in pickle.loads(pickle.dumps(Report(BAD[:1])))]
