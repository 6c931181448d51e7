"""How far a transfer has come, told to whoever asked."""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import sys
import threading

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final, Protocol, TypeAlias, runtime_checkable

import attrs

from synapse.errors import TransferError
from synapse.masking import Masker

logger: Final = logging.getLogger("synapse")

_WINDOW: Final = 10.0  # seconds that a rate is taken over
_APART: Final = 0.1

_EVERY: Final = 5.0  # seconds between two lines of a log
_REDRAW: Final = 0.2
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB")


@attrs.frozen
class ProgressStep:
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


ProgressLike: TypeAlias = Progress | Callable[[ProgressStep], object] | bool | None


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


class CountingMeter(Meter):
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


class TransferRate:
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


def is_watched(progress: ProgressLike) -> bool:
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
    if not is_watched(progress):
        return Silent()
    if progress is True:
        return display_for(unit)
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
    def __init__(self, call: Callable[[ProgressStep], object]) -> None:
        self._call = call
        self._pace = TransferRate()

    def started(self, total: int | None, label: str) -> None:
        self._step = ProgressStep(0, total, label)
        self._call(self._step)

    def advanced(self, count: int) -> None:
        done = self._step.done + count
        self._step = attrs.evolve(self._step, done=done, rate=self._pace.at(done))
        self._call(self._step)

    def resumed(self, count: int) -> None:
        self._step = attrs.evolve(self._step, done=self._step.done + count)
        self._pace = TransferRate(self._step.done)
        self._call(self._step)

    def grown(self, total: int) -> None:
        self._step = attrs.evolve(self._step, total=total)

    def finished(self) -> None:
        pass


def display_for(unit: str) -> Progress:
    """Choose the display that the place allows; bars need rich, which comes with the extra `cli`."""
    if importlib.util.find_spec("rich") is not None:
        if _in_notebook():
            return _Notebook(unit)
        if sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            return _Bar(unit)
    return _Log(unit)


def _in_notebook() -> bool:
    """Whether the code runs in a kernel, whose front end shows what it displays."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class _Log:
    """Writes a line at the start, every few seconds, and at the end."""

    def __init__(self, unit: str) -> None:
        self._unit = unit
        self._pace = TransferRate()
        self._done = 0

    def started(self, total: int | None, label: str) -> None:
        self._label, self._total, self._said = label, total, monotonic()
        logger.info("%s: started%s", label, "" if total is None else f", {amount(total, self._unit)}")

    def advanced(self, count: int) -> None:
        self._done += count
        rate = self._pace.at(self._done)
        if monotonic() - self._said >= _EVERY:
            self._said = monotonic()
            logger.info("%s: %s", self._label, self._line(ProgressStep(self._done, self._total, "", rate)))

    def resumed(self, count: int) -> None:
        self._done += count
        self._pace = TransferRate(self._done)

    def grown(self, total: int) -> None:
        self._total = total

    def finished(self) -> None:
        logger.info("%s: ended after %s", self._label, amount(self._done, self._unit))

    def _line(self, step: ProgressStep) -> str:
        line = amount(step.done, self._unit)
        if step.total:
            line += f" of {amount(step.total, self._unit)} ({100 * step.done // step.total} %)"
        if step.rate is not None:
            line += f", {amount(step.rate, self._unit)}/s"
        if step.remaining is not None:
            line += f", {duration(step.remaining)} left"
        return line


class _Bar:
    """Draws a bar on the terminal behind standard error."""

    def __init__(self, unit: str) -> None:
        from rich import progress as rich
        from rich.console import Console

        columns: list[Any] = [rich.TextColumn("{task.description}"), rich.BarColumn()]
        if unit == "bytes":
            columns += [rich.DownloadColumn(binary_units=True), rich.TransferSpeedColumn()]
        else:
            columns += [rich.MofNCompleteColumn(), rich.TimeElapsedColumn()]
        self.bars = rich.Progress(
            *columns,
            rich.TimeRemainingColumn(),
            console=Console(stderr=True, force_jupyter=False),
            # What a program prints into a file or a pipe goes there, and not among the bars.
            redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),
        )

    def started(self, total: int | None, label: str) -> None:
        from rich.markup import escape

        self._task = self.bars.add_task(escape(label), total=total)
        self.show()

    def show(self) -> None:
        self.bars.start()

    def advanced(self, count: int) -> None:
        self.bars.advance(self._task, count)

    def resumed(self, count: int) -> None:
        # Set anew, the bar forgets a rate that never was.
        bar = self.bars.tasks[0]
        self.bars.reset(self._task, total=bar.total, completed=int(bar.completed) + count)

    def grown(self, total: int) -> None:
        self.bars.update(self._task, total=total)

    def finished(self) -> None:
        self.bars.stop()


class _Notebook(_Bar):
    """Draws the bar into the output of a cell, by the kernel's own means: rich's would need ipywidgets."""

    def show(self) -> None:
        display = sys.modules["IPython"].display.display
        self._drawn = monotonic()
        self._handle = display(self._table(), display_id=True)

    def advanced(self, count: int) -> None:
        super().advanced(count)
        if monotonic() - self._drawn >= _REDRAW:
            self._draw()

    def finished(self) -> None:
        self._draw()

    def _draw(self) -> None:
        self._drawn = monotonic()
        self._handle.update(self._table())

    def _table(self) -> Any:
        return self.bars.make_tasks_table(self.bars.tasks)


def amount(count: float, unit: str) -> str:
    """Write a number of bytes, or of anything else, for people.

    >>> amount(9, "bytes"), amount(1_500_000, "bytes"), amount(3, "items")
    ('9 bytes', '1.4 MiB', '3 items')
    """
    if unit != "bytes" or count < 1024:
        return f"{count:.0f} {unit}"
    power = min(int(math.log(count, 1024)), len(_UNITS))
    return f"{count / 1024**power:.1f} {_UNITS[power - 1]}"


def duration(seconds: float) -> str:
    """Write a time span as hours, minutes and seconds.

    >>> duration(3725.4)
    '1:02:05'
    """
    minutes, second = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{second:02}"
