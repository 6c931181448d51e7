"""How many examples a run tries, and from which seed: few and the same ones in a test run, many and new ones at night.

`SYNAPSE_FUZZ_EXAMPLES` says how many in all; the seeds are new where it is set.
"""

from __future__ import annotations

import os
import signal

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from hypothesis import HealthCheck, Phase, settings

from tests.amounts import either

VARIABLE: Final = "SYNAPSE_FUZZ_EXAMPLES"
USUAL: Final = either(5_000, 1_500)
LONGEST: Final = 60.0
"""Seconds after which one example counts as hung."""

TOTAL: Final = int(os.environ.get(VARIABLE, USUAL))
AT_NIGHT: Final = VARIABLE in os.environ

F = TypeVar("F", bound=Callable[..., Any])


class HungError(AssertionError):
    """An example took longer than anything may take."""


def share(part: float, *, of: int = 1) -> Callable[[F], F]:
    """Give a property its part of all examples, divided among the cases that it is parametrised by."""
    return settings(
        max_examples=max(1, round(TOTAL * part / of)),
        derandomize=not AT_NIGHT,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def bounded() -> Iterator[None]:
    """Fail what hangs, with the place where it does."""

    def ring(*_: object) -> None:
        raise HungError(f"nothing happened for {LONGEST:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
