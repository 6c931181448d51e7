"""A clock on which waiting takes no time, for tests of what the SDK does after minutes.

def test_…(clock: Clock) -> None:     # the fixture of tests/conftest.py
    error.resolve(wait=50)
    assert 50 <= clock.waited < 51
"""

from __future__ import annotations

import time

import pytest


class Clock:
    """The clock of this machine, set ahead by whatever is waited for."""

    def __init__(self) -> None:
        self.waited = 0.0

    def monotonic(self) -> float:
        return time.monotonic() + self.waited

    def time(self) -> float:
        return time.time() + self.waited

    def wait(self, seconds: float) -> None:
        self.waited += seconds


def set_ahead(patch: pytest.MonkeyPatch) -> Clock:
    """Let `Session.pause()` set the clock ahead in place of waiting, and those that look for lost writes read it."""
    from synapse.entities import waiting
    from synapse.orm import journal_run, unconfirmed
    from synapse.session import Session

    def pause(session: Session, seconds: float) -> None:
        session.check_open()
        clock.wait(seconds)

    clock = Clock()
    patch.setattr(Session, "pause", pause)
    for module in (waiting, journal_run, unconfirmed):
        patch.setattr(module, "time", clock)
    return clock
