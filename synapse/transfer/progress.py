"""How far a transfer has come, told to whoever asked."""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import attrs

from synapse.errors import TransferError

logger: Final = logging.getLogger("synapse")


@attrs.frozen
class Step:
    """How far a transfer has come: `done` of `total` bytes, or of an unknown number."""

    done: int
    total: int | None
    label: str


@runtime_checkable
class Progress(Protocol):
    """Anything that wants to be told; calls come one at a time, from whichever thread."""

    def started(self, total: int | None, label: str) -> None:
        """Begin: *total* bytes are to travel, if that is known."""

    def advanced(self, count: int) -> None:
        """*count* more bytes have travelled."""

    def finished(self) -> None:
        """End, whether it went well or not."""


ProgressLike: TypeAlias = Progress | Callable[[Step], object] | bool | None


def watched(progress: ProgressLike) -> bool:
    """Whether anyone is to be told."""
    return progress is not None and progress is not False


@contextmanager
def tracked(
    progress: ProgressLike, *, total: int | None, label: str, unit: str = "bytes"
) -> Iterator[Callable[[int], None]]:
    """Tell *progress* that something starts and ends, and yield the call that tells it of every step in between."""
    display = _display(progress, unit=unit)
    lock = threading.Lock()

    def advanced(count: int) -> None:
        with lock:
            display.advanced(count)

    display.started(total, label)
    try:
        yield advanced
    finally:
        display.finished()


def _display(progress: ProgressLike, *, unit: str) -> Progress:
    if not watched(progress):
        return _Silent()
    if progress is True:
        shown = sys.stderr.isatty() and importlib.util.find_spec("rich") is not None
        return _Bar(unit) if shown else _Log(unit)
    if isinstance(progress, Progress):
        return progress
    if callable(progress):
        return _Callback(progress)
    raise TransferError(
        "progress must be True, a call that takes a Step, or an object with started(), advanced() and finished(), "
        f"not {type(progress).__name__}"
    )


class _Silent:
    def started(self, total: int | None, label: str) -> None:
        pass

    def advanced(self, count: int) -> None:
        pass

    def finished(self) -> None:
        pass


class _Callback:
    def __init__(self, call: Callable[[Step], object]) -> None:
        self._call = call

    def started(self, total: int | None, label: str) -> None:
        self._step = Step(0, total, label)
        self._call(self._step)

    def advanced(self, count: int) -> None:
        self._step = attrs.evolve(self._step, done=self._step.done + count)
        self._call(self._step)

    def finished(self) -> None:
        pass


class _Log:
    def __init__(self, unit: str) -> None:
        self._unit = unit

    def started(self, total: int | None, label: str) -> None:
        self._label, self._done = label, 0
        logger.info("%s: started%s", label, "" if total is None else f", {total} {self._unit}")

    def advanced(self, count: int) -> None:
        self._done += count

    def finished(self) -> None:
        logger.info("%s: ended after %d %s", self._label, self._done, self._unit)


class _Bar:
    def __init__(self, unit: str) -> None:
        from rich import progress as rich
        from rich.console import Console

        columns: list[Any] = [rich.TextColumn("{task.description}"), rich.BarColumn()]
        if unit == "bytes":
            columns += [rich.DownloadColumn(), rich.TransferSpeedColumn()]
        else:
            columns += [rich.MofNCompleteColumn(), rich.TimeElapsedColumn()]
        self._bars = rich.Progress(*columns, console=Console(stderr=True))

    def started(self, total: int | None, label: str) -> None:
        from rich.markup import escape

        self._task = self._bars.add_task(escape(label), total=total)
        self._bars.start()

    def advanced(self, count: int) -> None:
        self._bars.advance(self._task, count)

    def finished(self) -> None:
        self._bars.stop()
