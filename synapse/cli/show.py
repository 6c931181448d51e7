"""What a reader of the command's output sees: steps, code, facts, and a table at the end."""

from __future__ import annotations

import contextlib
import time

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import attrs

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from synapse.entities import Session
from synapse.showing import printable
from synapse.transfer import tracked

T = TypeVar("T")
INDENT = "   "


@attrs.define
class Step:
    """One step: what it did, over how many rows, in how many requests and seconds."""

    title: str
    rows: int | None = None
    requests: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        counts = [] if self.rows is None else [_plural(self.rows, "row")]
        if self.requests:
            counts.append(_plural(self.requests, "request"))
        return ", ".join([*counts, f"{self.seconds:.1f} s"])


class Show:
    """Prints steps as they happen, each with the code that it runs, and keeps count."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.steps: list[Step] = []

    @contextlib.contextmanager
    def step(self, title: str, *code: str, session: Session | None = None) -> Iterator[Step]:
        """Announce a step with its code, time it and count its requests, and say so at its end."""
        step = Step(title)
        self.steps.append(step)
        self.console.print(f"\n[bold]{len(self.steps)}. {escape(title)}[/]")
        for line in code:
            prompt = "..." if line.startswith(" ") else ">>>"
            self.console.print(f"[dim]{INDENT}{prompt} {escape(line)}[/]", soft_wrap=True)
        started = time.perf_counter()
        if session is None:
            yield step
        else:
            with session.trace() as calls:
                yield step
            step.requests = len(calls)
        step.seconds = time.perf_counter() - started
        self.console.print(f"{INDENT}[green]✓[/] {step}")

    def line(self, text: object) -> None:
        """Print one line of what a step brings."""
        self.console.print(f"{INDENT}{escape(printable(str(text), lines=True))}", soft_wrap=True)

    def table(self) -> Table:
        """Make the table of all steps."""
        table = Table("step", show_footer=True)
        for name in ("rows", "requests", "seconds"):
            table.add_column(name, justify="right")
        for step in self.steps:
            rows = "" if step.rows is None else f"{step.rows:,}"
            table.add_row(escape(step.title), rows, f"{step.requests:,}", f"{step.seconds:.1f}")
        requests, seconds = (
            sum(step.requests for step in self.steps),
            sum(step.seconds for step in self.steps),
        )
        for column, footer in zip(
            table.columns, ("in all", "", f"{requests:,}", f"{seconds:.1f}"), strict=True
        ):
            column.footer = footer
        return table


def counted(items: Iterable[T], *, total: int, label: str, unit: str) -> Iterator[T]:
    """Yield the items, with a progress bar on a terminal."""
    with tracked(True, total=total, label=label, unit=unit) as advanced:
        for item in items:
            yield item
            advanced(1)


def facts(rows: Mapping[str, object]) -> str:
    """Lay out names and values in two columns."""
    width = max(map(len, rows))
    return "\n".join(
        f"[bold]{name:<{width}}[/]  {escape(printable(str(value)))}" for name, value in rows.items()
    )


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
