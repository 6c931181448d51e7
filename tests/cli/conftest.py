"""The command in a process of its own, and a backend for it to talk to."""

from __future__ import annotations

import os
import signal

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synapse.cli.commands import run
from synapse.sandbox import Sandbox, serve
from tests.cli.process import Ended, Running


@pytest.fixture(scope="session")
def box() -> Iterator[Sandbox]:
    """A backend that is there already."""
    with serve() as sandbox:
        yield sandbox


@pytest.fixture
def ran(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Callable[..., Ended]]:
    """Run the command in this process, with no settings but those of the test."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("SYNAPSE_")]:
        monkeypatch.delenv(name)
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments: str) -> Ended:
        code = run(arguments)
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    yield call
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def started(tmp_path: Path, measured_processes: None) -> Iterator[Callable[..., Running]]:
    """Start the command, or other code, in a process of its own whose scratch folder is `tmp_path`."""
    processes: list[Running] = []

    def start(*arguments: str, code: str | None = None) -> Running:
        program = ["-m", "synapse.cli"] if code is None else ["-c", code]
        processes.append(Running.start([*program, *arguments], scratch=tmp_path))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
