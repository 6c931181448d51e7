"""Who is told of progress, and how."""

from __future__ import annotations

import io
import logging
import os
import pty
import sys

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from synapse.errors import TransferError
from synapse.transfer import Progress, Step, tracked


class Notes:
    """Notes every call."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def started(self, total: int | None, label: str) -> None:
        self.calls.append((total, label))

    def advanced(self, count: int) -> None:
        self.calls.append(count)

    def finished(self) -> None:
        self.calls.append("finished")


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Make the standard error a terminal, and give the call that reads what it shows."""
    shown, written = pty.openpty()
    os.set_blocking(shown, False)
    with os.fdopen(written, "w") as stderr, os.fdopen(shown, "rb") as screen:
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setenv("TERM", "xterm")
        yield lambda: (screen.read() or b"").decode()


class TestTracked:
    def test_tells_a_progress_object(self) -> None:
        """An object with the three methods is told of start, steps and end."""
        notes = Notes()
        with tracked(notes, total=10, label="scan") as advanced:
            advanced(4)

        assert isinstance(notes, Progress)
        assert [(10, "scan"), 4, "finished"] == notes.calls

    def test_tells_the_end_of_what_failed(self) -> None:
        """A display is taken down even if the transfer failed."""
        notes = Notes()
        with pytest.raises(ZeroDivisionError), tracked(notes, total=None, label="scan"):
            raise ZeroDivisionError

        assert [(None, "scan"), "finished"] == notes.calls

    def test_calls_a_function_with_steps(self) -> None:
        """A plain function gets frozen steps whose count adds up."""
        steps = list[Step]()
        with tracked(steps.append, total=10, label="scan") as advanced:
            advanced(4)
            advanced(6)

        assert [Step(0, 10, "scan"), Step(4, 10, "scan"), Step(10, 10, "scan")] == steps

    @pytest.mark.parametrize("progress", [None, False])
    def test_says_nothing_unless_asked(
        self, progress: bool | None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Without progress nothing is printed."""
        with tracked(progress, total=10, label="scan") as advanced:
            advanced(4)

        assert ("", "") == capsys.readouterr()

    def test_refuses_what_cannot_be_told(self) -> None:
        """Anything else is refused before the transfer starts."""
        with pytest.raises(TransferError, match="progress must be True"), tracked(7, total=1, label=""):  # type: ignore[arg-type]
            pass


class TestTrue:
    def test_logs_two_lines_without_a_terminal(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Away from a terminal, the start and the end are logged."""
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        with caplog.at_level(logging.INFO, "synapse"), tracked(True, total=10, label="scan") as advanced:
            advanced(4)
            advanced(5)

        assert ["scan: started, 10 bytes", "scan: ended after 9 bytes"] == caplog.messages

    def test_logs_no_total_that_is_not_known(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An unknown total is left out."""
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        with caplog.at_level(logging.INFO, "synapse"), tracked(True, total=None, label="scan"):
            pass

        assert ["scan: started", "scan: ended after 0 bytes"] == caplog.messages

    @pytest.mark.parametrize(("unit", "shown"), [("bytes", "bytes"), ("%", "4/10")])
    def test_draws_a_bar_on_a_terminal(self, monkeypatch: pytest.MonkeyPatch, unit: str, shown: str) -> None:
        """On a terminal there is a bar with the label, in the unit that fits."""
        with terminal(monkeypatch) as read:
            with tracked(True, total=10, label="scan [1]", unit=unit) as advanced:
                advanced(4)
            drawn = read()

        assert ("scan [1]" in drawn, shown in drawn) == (True, True)
