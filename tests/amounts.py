"""How much a run tries: all of it with `--full`, a part of it in the quick run.

The option travels by the environment, because most amounts are written where a module is read.
"""

from __future__ import annotations

import os

from collections.abc import Iterable
from typing import Final, TypeVar

VARIABLE: Final = "SYNAPSE_TESTS_FULL"
T = TypeVar("T")


def is_full() -> bool:
    """Whether everything is to be tried."""
    return VARIABLE in os.environ


def either(full: T, quick: T) -> T:
    """Return the first in a full run, the other in the quick one."""
    return full if is_full() else quick


def part(values: Iterable[T], nth: int, *, of: int = 3) -> list[T]:
    """Return all values in a full run, in the quick one every third from the *nth* on.

    Tables that walk the same values take other parts of them, so that each value is met by some of the tables.
    """
    return list(values)[either(slice(None), slice(nth % of, None, of))]
