"""Waiting for what other threads and processes are about to do."""

from __future__ import annotations

import time

from collections.abc import Callable


def until(met: Callable[[], bool]) -> None:
    """Wait for something that is about to happen, and fail after twenty seconds."""
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)
