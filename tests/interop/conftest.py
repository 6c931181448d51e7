"""Say at the end of a run, where nobody overlooks it, when the vendor's client was not tried."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.vendor_env import REQUIREMENT, VendorEnvironmentError, ensure_vendor_python, find_python


@pytest.fixture(scope="session")
def vendor_python() -> Path:
    """The interpreter that has the vendor's client."""
    if find_python() is None:
        pytest.skip(f"{REQUIREMENT} needs Python 3.12 or newer and none was found: NOTHING of it was tested")
    try:
        return ensure_vendor_python()
    except VendorEnvironmentError as error:
        pytest.skip(f"{REQUIREMENT} could not be installed, NOTHING of it was tested: {error}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add a line when the checks of the vendor's client were skipped."""
    skipped = terminalreporter.stats.get("skipped", [])
    missed = [report for report in skipped if "tests/interop/" in report.nodeid]
    if missed:
        reason = missed[0].longrepr[2] if isinstance(missed[0].longrepr, tuple) else "unknown reason"
        terminalreporter.section("the vendor's client was NOT tested", sep="!", red=True)
        terminalreporter.write_line(f"{len(missed)} checks skipped. {reason}")
