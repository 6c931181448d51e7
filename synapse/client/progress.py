"""Progress as the flat client's scripts take it: a call with how much is done, and of how much."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from synapse.errors import QueryError, describe
from synapse.transfer import ProgressStep

OnProgress: TypeAlias = Callable[[int, int], object] | None


def by_bytes(call: OnProgress) -> Callable[[ProgressStep], object] | None:
    """Tell of bytes."""
    _check(call)
    return None if call is None else lambda step: call(step.done, step.total or step.done)


def by_items(call: OnProgress, *, count: int) -> Callable[[ProgressStep], object] | None:
    """Tell of items, as many as the bytes that have travelled are worth; the last one is told of by `finished()`."""
    _check(call)
    if call is None:
        return None
    told = 0

    def step(step: ProgressStep) -> None:
        nonlocal told
        done = min(count * step.done // max(step.total or 1, 1), count - 1)
        if done > told:
            told = done
            call(done, count)

    return step


def _check(call: object) -> None:
    if call is not None and not callable(call):
        raise QueryError(f"on_progress takes a call of two numbers, got {describe(call)}; nothing was sent")


def finished(call: OnProgress, *, count: int) -> None:
    """Tell that everything is done."""
    if call is not None:
        call(count, count)
