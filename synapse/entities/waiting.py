"""Waiting for work in the background, which is asked about now and then."""

from __future__ import annotations

import json
import time

from collections.abc import Iterable, Iterator
from typing import Any, Final

from synapse.errors import WaitTimeoutError
from synapse.orm import arguments
from synapse.orm.binding import held
from synapse.transfer import ProgressLike, tracked

FIRST_POLL: Final = 0.2
SLOWEST_POLL: Final = 5.0


def wait_for_end(
    work: Any, *, called: str, instead: str, timeout: float | None, progress: ProgressLike
) -> None:
    """Load *work* anew until it has ended, or raise `WaitTimeoutError`, which says what to do *instead*."""
    if timeout is not None:
        arguments.seconds("wait(timeout=...)", timeout)
    session = held(work, "wait")
    until = None if timeout is None else time.monotonic() + timeout
    pause = FIRST_POLL
    with tracked(progress, total=100, label=f"{called} {work.pk}", unit="%") as report:
        shown = 0
        while not work.refresh().has_ended:
            shown = _advance(report, shown, work.percent)
            left = pause if until is None else until - time.monotonic()
            if left <= 0:
                raise WaitTimeoutError(
                    f"{called} {work.pk} is still {work.status} after {timeout:g} s; it goes on: "
                    f"wait() again, or {instead}"
                )
            session.pause(min(pause, left))
            pause = min(pause * 1.5, SLOWEST_POLL)
        _advance(report, shown, 100)


def _advance(report: Any, shown: int, percent: float) -> int:
    now_at = min(int(percent), 100)
    if now_at > shown:
        report(now_at - shown)
    return max(now_at, shown)


def frame(line: str) -> dict[str, Any]:
    """Read one line of an event stream; comments, blank lines and anything unreadable are an empty frame."""
    if not line.startswith("data:"):
        return {}
    try:
        said = json.loads(line[5:])
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def named_events(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the events of a stream, each by its name and with what it says."""
    name = ""
    for line in lines:
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            yield name, frame(line)
        elif not line:
            name = ""
