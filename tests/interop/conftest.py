"""Say at the end of a run, where nobody overlooks it, when the vendor's client was not tried."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add a line when the checks of the vendor's client were skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    missed = [report for report in skipped if "tests/interop/" in report.nodeid]
    if missed:
        reason = missed[0].longrepr[2] if isinstance(missed[0].longrepr, tuple) else "unknown reason"
        terminalreporter.section("the vendor's client was NOT tested", sep="!", red=True)
        terminalreporter.write_line(f"{len(missed)} checks skipped. {reason}")
