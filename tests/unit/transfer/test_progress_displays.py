"""Where progress shows: a terminal, a notebook, or the log."""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import pty
import signal
import subprocess
import sys

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from synapse.transfer import progress, tracked
from synapse.transfer import progress as displays
from synapse.transfer.progress import amount, duration

SHOW, HIDE = "\x1b[?25h", "\x1b[?25l"

STOPPED = """
import time
from synapse.transfer import tracked

with tracked(True, total=10, label="scan") as advanced:
    advanced(5)
    print("ready", flush=True)
    time.sleep(30)
"""


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Make the standard error a terminal, and give the call that reads what it shows."""
    shown, written = pty.openpty()
    os.set_blocking(shown, False)
    with os.fdopen(written, "w") as stderr, os.fdopen(shown, "rb") as screen:
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setenv("TERM", "xterm")
        yield lambda: (screen.read() or b"").decode()


@pytest.fixture
def no_terminal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> pytest.LogCaptureFixture:
    """Send the standard error elsewhere, and give the log."""
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    caplog.set_level(logging.INFO, "synapse")
    return caplog


class TestLog:
    def test_has_two_lines_of_a_short_transfer(self, no_terminal: pytest.LogCaptureFixture) -> None:
        """Away from a terminal, the start and the end are logged."""
        with tracked(True, total=10, label="scan") as advanced:
            advanced(4)
            advanced(5)

        assert ["scan: started, 10 bytes", "scan: ended after 9 bytes"] == no_terminal.messages

    def test_has_no_total_that_is_not_known(self, no_terminal: pytest.LogCaptureFixture) -> None:
        """An unknown total is left out."""
        with tracked(True, total=None, label="scan"):
            pass

        assert ["scan: started", "scan: ended after 0 bytes"] == no_terminal.messages

    def test_has_a_line_every_few_seconds(
        self, no_terminal: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """However many blocks travel, the log says how far it is, how fast and how long it will take, now and then."""
        now = [0.0]
        for module in (displays, progress):
            monkeypatch.setattr(module, "monotonic", lambda: now[0])
        with tracked(True, total=2**30, label="scan") as advanced:
            for _ in range(110):
                now[0] += 0.125
                advanced(2**20)
            advanced.expect(2**30)
            advanced.resume(2**20)
            now[0] += 6
            advanced(2**20)

        assert [
            "scan: started, 1.0 GiB",
            "scan: 40.0 MiB of 1.0 GiB (3 %), 8.0 MiB/s, 0:02:03 left",
            "scan: 80.0 MiB of 1.0 GiB (7 %), 8.0 MiB/s, 0:01:58 left",
            "scan: 112.0 MiB of 2.0 GiB (5 %), 170.7 KiB/s, 3:13:36 left",
            "scan: ended after 112.0 MiB",
        ] == no_terminal.messages

    def test_counts_other_things(
        self, no_terminal: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Progress of items, or of a job, is told in their own unit."""
        monkeypatch.setattr(displays, "_EVERY", 0)
        with tracked(True, total=None, label="job", unit="items") as advanced:
            advanced(3)

        assert ["job: started", "job: 3 items", "job: ended after 3 items"] == no_terminal.messages

    @pytest.mark.parametrize("missing", ["rich", "terminal", "stderr"])
    def test_is_the_place_without_anything_better(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, missing: str
    ) -> None:
        """Without rich, on a dumb terminal or without any output there are lines."""
        caplog.set_level(logging.INFO, "synapse")
        find = importlib.util.find_spec
        with terminal(monkeypatch) as read:
            if missing == "rich":
                monkeypatch.setattr(
                    importlib.util, "find_spec", lambda name: None if name == "rich" else find(name)
                )
            elif missing == "terminal":
                monkeypatch.setenv("TERM", "dumb")
            else:
                monkeypatch.setattr(sys, "stderr", None)
            with tracked(True, total=None, label="scan"):
                pass

            assert ("", 2) == (read(), len(caplog.records))


class TestTerminal:
    @pytest.mark.parametrize(("unit", "shown"), [("bytes", "bytes"), ("%", "4/10")])
    def test_has_a_bar(self, monkeypatch: pytest.MonkeyPatch, unit: str, shown: str) -> None:
        """On a terminal there is a bar with the label, in the unit that fits."""
        with terminal(monkeypatch) as read:
            with tracked(True, total=10, label="scan [1]", unit=unit) as advanced:
                advanced(4)
            drawn = read()

        assert ("scan [1]" in drawn, shown in drawn) == (True, True)

    def test_has_a_bar_whose_total_grows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What came earlier and what is found later are drawn as well."""
        with terminal(monkeypatch) as read:
            with tracked(True, total=None, label="scan", unit="items") as advanced:
                advanced.expect(30)
                advanced.resume(12)
                advanced(5)
            drawn = read()

        assert "17/30" in drawn

    def test_leaves_the_output_of_the_program_alone(self) -> None:
        """What a program prints into a pipe does not go to the terminal, although the bars are there."""
        shown, written = pty.openpty()
        script = STOPPED.replace("30", "0")
        environment = {**os.environ, "TERM": "xterm"}
        done = subprocess.run(
            [sys.executable, "-c", script],
            stdout=subprocess.PIPE,
            stderr=written,
            env=environment,
            timeout=20,
        )
        for end in (shown, written):
            os.close(end)

        assert b"ready\n" == done.stdout

    def test_is_clean_after_ctrl_c(self) -> None:
        """A run that is stopped leaves the cursor where people can see it."""
        shown, written = pty.openpty()
        command = [sys.executable, "-c", STOPPED]
        environment = {**os.environ, "TERM": "xterm"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=written, env=environment) as process:
            assert process.stdout is not None
            assert b"ready\n" == process.stdout.readline()
            process.send_signal(signal.SIGINT)
            process.wait(20)
        os.set_blocking(shown, False)
        drawn = os.read(shown, 100_000).decode()
        os.close(shown)
        os.close(written)

        assert (True, True) == (HIDE in drawn, drawn.rindex(SHOW) > drawn.rindex(HIDE))
        assert "KeyboardInterrupt" in drawn[drawn.rindex(SHOW) :]


class TestNotebook:
    @pytest.fixture
    def cell(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """Stand in for the kernel of a notebook, and give what its cell showed."""
        shown: list[Any] = []
        handle = SimpleNamespace(update=shown.append)

        def display(thing: Any, *, display_id: bool) -> Any:
            shown.append(thing)
            return handle

        ipython = ModuleType("IPython")
        ipython.get_ipython = lambda: SimpleNamespace(kernel=object())  # type: ignore[attr-defined]
        ipython.display = SimpleNamespace(display=display)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "IPython", ipython)
        return shown

    def test_has_a_bar_in_its_cell(self, cell: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        """In a notebook the bar is drawn by the kernel, now and then, and once more at the end."""
        now = [0.0]
        for module in (displays, progress):
            monkeypatch.setattr(module, "monotonic", lambda: now[0])
        with tracked(True, total=100, label="scan", unit="items") as advanced:
            for _ in range(100):
                now[0] += 0.01
                advanced(1)

        assert 2 + 5 >= len(cell) >= 5
        assert "100/100" in str(cell[-1]._repr_mimebundle_([], [])["text/plain"])

    def test_is_none_in_a_plain_shell(self, monkeypatch: pytest.MonkeyPatch, cell: list[Any]) -> None:
        """IPython in a terminal is a terminal."""
        sys.modules["IPython"].get_ipython = lambda: SimpleNamespace()  # type: ignore[attr-defined]
        with terminal(monkeypatch) as read:
            with tracked(True, total=100, label="scan"):
                pass

            assert ([], True) == (cell, "scan" in read())


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (5 * 2**30, "5.0 GiB"),
        (3 * 2**50, "3072.0 TiB"),
    ],
)
def test_writes_sizes_for_people(count: int, shown: str) -> None:
    """Sizes have the unit that keeps them short."""
    assert shown == amount(count, "bytes")


def test_writes_durations_for_people() -> None:
    """Hours grow as they must."""
    assert ["0:00:00", "0:01:05", "100:00:01"] == [duration(each) for each in (0.2, 65, 360_001)]
