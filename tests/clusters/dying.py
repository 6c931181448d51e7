"""Sinks whose worker is killed once in the middle of a block."""

from __future__ import annotations

import os
import signal

from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

from synapse import Task
from synapse.interop.ray import AnnotateSink, CreateSink
from synapse.orm.journal import Journal


def die(flag: Path) -> None:
    """Have this process killed, the first time that any comes here."""
    try:
        flag.touch(exist_ok=False)
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


class DyingCreateSink(CreateSink):
    """Dies over the 40th row that was created, before that is noted."""

    flag: Path

    def write(self, blocks: Iterable[Any], ctx: Any) -> int:
        """Create rows, and die."""
        settle, number = Journal.settle, count(1)

        def dying(journal: Journal, keys: Any) -> None:
            if next(number) == 40:
                die(self.flag)
            settle(journal, keys)

        Journal.settle = dying  # type: ignore[method-assign]
        try:
            return super().write(blocks, ctx)
        finally:
            Journal.settle = settle  # type: ignore[method-assign]


class DyingAnnotateSink(AnnotateSink):
    """Dies behind the third task that was annotated."""

    flag: Path

    def write(self, blocks: Iterable[Any], ctx: Any) -> int:
        """Annotate tasks, and die."""
        annotate, number = Task.annotate, count(1)

        def dying(task: Task, *given: Any, **options: Any) -> Task:
            done = annotate(task, *given, **options)
            if next(number) == 3:
                die(self.flag)
            return done

        Task.annotate = dying  # type: ignore[method-assign]
        try:
            return super().write(blocks, ctx)
        finally:
            Task.annotate = annotate  # type: ignore[method-assign]
