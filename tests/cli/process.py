"""A process of the command: what it says, and how it ends."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import attrs

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60


class Ended(NamedTuple):
    """The exit code of a command, and what it said."""

    code: int
    out: str
    err: str


@attrs.define
class Running:
    """A command that runs."""

    process: subprocess.Popen[str]
    said: list[str] = attrs.field(factory=list)

    @classmethod
    def start(cls, arguments: list[str], *, scratch: Path, **settings: str) -> Running:
        """Start Python with *arguments*, and *settings* in its environment."""
        pipe: Any = subprocess.PIPE
        surroundings = {**environment(scratch), **settings}
        command = [sys.executable, "-W", "error", *arguments]
        return cls(
            subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, encoding="utf-8", env=surroundings)
        )

    def read_until(self, words: str) -> str:
        """Read lines up to the one with *words*, and return that."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError(f"{words!r} was not said, but: {''.join(self.said)}{self.end()}")

    def signal(self, number: int) -> Ended:
        """Send a signal and wait for the end."""
        self.process.send_signal(number)
        return self.end()

    def end(self) -> Ended:
        """Wait for the end."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return Ended(self.process.returncode, "".join(self.said) + out, err)

    def kill(self) -> None:
        """End it whatever it does."""
        self.process.kill()
        self.process.communicate()


def environment(scratch: Path) -> dict[str, str]:
    """Return an environment without settings of the SDK, whose home and scratch folders are the test's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNAPSE_")}
    cache = os.environ.get("XDG_CACHE_HOME", str(Path("~/.cache").expanduser()))
    own = {"HOME": str(scratch), "TMPDIR": str(scratch), "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": cache}
    return {**kept, **own}


def is_there(url: str) -> bool:
    """Whether something listens at an address."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True
