"""Knows the line of code that reads: a loop that fetches row by row is told so."""

from __future__ import annotations

import threading
import time
import warnings

from collections import OrderedDict
from typing import Final

import attrs

from synapse.errors import FieldError
from synapse.session.process import Locks, caller, is_inspector

OFTEN: Final = 10
SECONDS_BETWEEN: Final = 2.0
LINES_KEPT: Final = 1_000

Place = tuple[str, int, str]


class SlowLoopWarning(UserWarning):
    """A loop makes one request for each row, where a few would do for all of them."""


@attrs.define(eq=False, repr=False)
class _Run:
    """The fetches that came from one line, one soon after the other."""

    count: int
    latest: float
    told: bool = False


_runs: Final[OrderedDict[Place, _Run]] = OrderedDict()
_locks: Final = Locks()


def refuse_inspectors(owner: str, name: str) -> None:
    """Fetch nothing for a completer or a debugger, which reads whatever there is."""
    if is_inspector():
        raise FieldError(f"{owner}.{name} is not loaded, and is not fetched just to be shown", name=name)


def note(what: str, *, instead: str) -> None:
    """Count a fetch of *what* for a single row; where one line does so time and again, warn and say what to do."""
    file, line = caller()
    if file == threading.__file__:
        return  # a thread of ours, at work for a call of which nothing tells the line
    if _often((file, line, what), now=time.monotonic()):
        message = f"{what} was fetched {OFTEN} times here, with a request for each row; {instead}"
        warnings.warn_explicit(message, SlowLoopWarning, file, line)


def note_set(name: str) -> None:
    """Count the fetch of one owner's set, named `Project.tasks`; a query that is no such set has no name."""
    owner, _, many = name.partition(".")
    if many:
        note(name, instead=f"add prefetch_related({many!r}) to the query of {owner}")


def _often(place: Place, *, now: float) -> bool:
    """Whether this fetch is the one to warn of: once for each line."""
    with _locks.mine:
        run = _runs.setdefault(place, _Run(0, now))
        _runs.move_to_end(place)
        if len(_runs) > LINES_KEPT:
            _runs.popitem(last=False)
        # What happens once in a while is no loop, or none that waits for this.
        run.count = run.count + 1 if now - run.latest < SECONDS_BETWEEN else 1
        run.latest = now
        if run.told or run.count < OFTEN:
            return False
        run.told = True
        return True
