"""Calls on threads that a view waits for until its time is up, and never longer."""

from __future__ import annotations

import contextvars
import threading
import time

from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, Final, Self, TypeVar

from synapse.session.concurrency import FleetingExecutor
from synapse.session.current_session import context_without_session
from synapse.session.throttle import abandoned, stopping

T = TypeVar("T")

SECONDS: Final = 2.0


class NotShownError(Exception):
    """Why something is not shown; the text is for readers of the notebook."""


class Workers:
    """Threads for one view, which all end within the same two seconds or are left behind."""

    def __init__(self, count: int, *, seconds: float | None = None) -> None:
        self.seconds = SECONDS if seconds is None else seconds
        self._until = time.monotonic() + self.seconds
        self._gone = threading.Event()
        self._pool = FleetingExecutor(count, name="synapse-view")

    def start(self, call: Callable[..., T], *arguments: Any, **named: Any) -> Future[T]:
        """Call a function on a thread; once the view is made, its requests that wait give up."""
        context = contextvars.copy_context()
        for left_behind in (abandoned, stopping):
            context.run(left_behind.set, self._gone)
        if (bar := context_without_session()) is not None:
            context.run(bar)
        return self._pool.submit(context.run, call, *arguments, **named)

    def result(self, future: Future[T]) -> T:
        """Give what a call returned or raise its error; `NotShownError` when the time is up."""
        done, _ = wait([future], timeout=max(0.0, self._until - time.monotonic()))
        if not done:
            raise NotShownError(f"nothing came within {self.seconds:g} seconds")
        return future.result()

    def call(self, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call a function on a thread and wait for it."""
        return self.result(self.start(call, *arguments, **named))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._gone.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
