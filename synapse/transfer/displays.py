"""Where progress shows: bars in a terminal or a notebook, lines in the log elsewhere."""

from __future__ import annotations

import importlib.util
import logging
import math
import os
import sys

from time import monotonic
from typing import Any, Final

from synapse.transfer.progress import Pace, Progress, Step

logger: Final = logging.getLogger("synapse")

_EVERY: Final = 5.0  # seconds between two lines of a log
_REDRAW: Final = 0.2
_UNITS: Final = ("KiB", "MiB", "GiB", "TiB")


def fitting(unit: str) -> Progress:
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
        self._pace = Pace()
        self._done = 0

    def started(self, total: int | None, label: str) -> None:
        self._label, self._total, self._said = label, total, monotonic()
        logger.info("%s: started%s", label, "" if total is None else f", {amount(total, self._unit)}")

    def advanced(self, count: int) -> None:
        self._done += count
        rate = self._pace.at(self._done)
        if monotonic() - self._said >= _EVERY:
            self._said = monotonic()
            logger.info("%s: %s", self._label, self._line(Step(self._done, self._total, "", rate)))

    def resumed(self, count: int) -> None:
        self._done += count
        self._pace = Pace(self._done)

    def grown(self, total: int) -> None:
        self._total = total

    def finished(self) -> None:
        logger.info("%s: ended after %s", self._label, amount(self._done, self._unit))

    def _line(self, step: Step) -> str:
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
