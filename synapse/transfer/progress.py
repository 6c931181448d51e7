"""How far a transfer has come, told to whoever asked."""

from __future__ import annotations

import logging
import threading

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Final, Protocol, TypeAlias, runtime_checkable

import attrs

from synapse.errors import TransferError
from synapse.masking import Masker

logger: Final = logging.getLogger("synapse")

_WINDOW: Final = 10.0  # seconds that a rate is taken over
_APART: Final = 0.1


@attrs.frozen
class Step:
    """How far a transfer has come: `done` of `total` bytes, or of an unknown number.

    `rate` is the number of bytes a second of late, None as long as it is not known. Steps are equal by how far they
    are.
    """

    done: int
    total: int | None
    label: str
    rate: float | None = attrs.field(default=None, eq=False)

    @property
    def remaining(self) -> float | None:
        """The seconds that are left at this rate, where that can be told."""
        if self.total is None or not self.rate:
            return None
        return max(self.total - self.done, 0) / self.rate


@runtime_checkable
class Progress(Protocol):
    """Anything that wants to be told; calls come one at a time, from whichever thread.

    Two more methods are called where they are there: `grown(total)` when more turns out to be on its way, as when files
    are found one by one, and `resumed(count)`, instead of `advanced`, for bytes that came in an earlier call.
    """

    def started(self, total: int | None, label: str) -> None:
        """Begin: *total* bytes are to travel, if that is known."""

    def advanced(self, count: int) -> None:
        """*count* more bytes have travelled."""

    def finished(self) -> None:
        """End, whether it went well or not."""


ProgressLike: TypeAlias = Progress | Callable[[Step], object] | bool | None


class Meter:
    """Takes in, from any thread, what has travelled and what more is to come, and tells a display.

    A display that fails is not told any more; what it was told of goes on.
    """

    def __init__(self, display: Progress) -> None:
        self._display = display
        self._total: int | None = None
        self._stopped = False
        self._lock = threading.Lock()

    @classmethod
    def silent(cls) -> Meter:
        """Make a meter that tells nobody."""
        return cls(Silent())

    def start(self, total: int | None, label: str) -> None:
        """Begin; a display that fails here raises."""
        self._total = total
        self._display.started(total, label)

    def __call__(self, count: int) -> None:
        """Take in what has travelled."""
        if self._stopped:
            raise TransferError("the run that this file was part of has ended")
        with self._lock:
            self._tell("advanced", count)

    def resume(self, count: int) -> None:
        """Take in what is there already, which says nothing of the rate."""
        with self._lock:
            if count:
                self._tell("resumed" if hasattr(self._display, "resumed") else "advanced", count)

    def expect(self, count: int) -> None:
        """Let the total grow."""
        with self._lock:
            self._total = (self._total or 0) + count
            if hasattr(self._display, "grown"):
                self._tell("grown", self._total)

    def stop(self) -> None:
        """Break off, at its next block, whatever still travels in other threads."""
        self._stopped = True

    def finish(self) -> None:
        """End."""
        with self._lock:
            self._tell("finished")

    def _tell(self, what: str, *values: int) -> None:
        try:
            getattr(self._display, what)(*values)
        except Exception:
            logger.warning(
                "progress is not told any more, for it failed; the transfer goes on", exc_info=True
            )
            self._display = Silent()


class Counted(Meter):
    """Passes on to another meter what travels, and can take it back where it was in vain."""

    def __init__(self, meter: Meter) -> None:
        super().__init__(Silent())
        self._meter = meter
        self._count = 0

    def __call__(self, count: int) -> None:
        """Take in what has travelled."""
        self._meter(count)
        self._count += count

    def resume(self, count: int) -> None:
        """Take in what is there already."""
        self._meter.resume(count)
        self._count += count

    def take_back(self) -> None:
        """Tell that all this did not count."""
        self._meter.resume(-self._count)
        self._count = 0


class Pace:
    """The rate of the last seconds, from a point on that is there already."""

    def __init__(self, done: int = 0) -> None:
        self._marks: deque[tuple[float, int]] = deque([(monotonic(), done)])

    def at(self, done: int) -> float | None:
        """Take in how far it is now, and give the rate a second; None in the first moment."""
        now, marks = monotonic(), self._marks
        if now - marks[-1][0] >= _APART:
            marks.append((now, done))
        while len(marks) > 2 and now - marks[1][0] >= _WINDOW:
            marks.popleft()
        since, before = marks[0]
        return (done - before) / (now - since) if now - since >= _APART else None


def watched(progress: ProgressLike) -> bool:
    """Whether anyone is to be told."""
    return progress is not None and progress is not False


@contextmanager
def tracked(progress: ProgressLike, *, total: int | None, label: str, unit: str = "bytes") -> Iterator[Meter]:
    """Tell *progress* that something starts and ends, and yield the meter that takes in every step in between."""
    meter = Meter(_display(progress, unit=unit))
    shown = "".join(char if char.isprintable() else "\ufffd" for char in Masker().words(label))
    try:
        meter.start(total, shown)
        yield meter
    finally:
        meter.finish()


def _display(progress: ProgressLike, *, unit: str) -> Progress:
    if not watched(progress):
        return Silent()
    if progress is True:
        from synapse.transfer.displays import fitting

        return fitting(unit)
    if isinstance(progress, Progress):
        return progress
    if callable(progress):
        return _Callback(progress)
    raise TransferError(
        "progress must be True, a call that takes a Step, or an object with started(), advanced() and finished(), "
        f"not {type(progress).__name__}"
    )


class Silent:
    """Shows nothing."""

    def started(self, total: int | None, label: str) -> None:
        """Begin."""

    def advanced(self, count: int) -> None:
        """Go on."""

    def finished(self) -> None:
        """End."""


class _Callback:
    def __init__(self, call: Callable[[Step], object]) -> None:
        self._call = call
        self._pace = Pace()

    def started(self, total: int | None, label: str) -> None:
        self._step = Step(0, total, label)
        self._call(self._step)

    def advanced(self, count: int) -> None:
        done = self._step.done + count
        self._step = attrs.evolve(self._step, done=done, rate=self._pace.at(done))
        self._call(self._step)

    def resumed(self, count: int) -> None:
        self._step = attrs.evolve(self._step, done=self._step.done + count)
        self._pace = Pace(self._step.done)
        self._call(self._step)

    def grown(self, total: int) -> None:
        self._step = attrs.evolve(self._step, total=total)

    def finished(self) -> None:
        pass
