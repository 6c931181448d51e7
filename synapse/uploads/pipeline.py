"""Batches on their way through three stages that overlap: prepared, worked off side by side, finished."""

from __future__ import annotations

import contextvars
import threading

from collections.abc import Callable, Iterable, Sequence, Sized
from concurrent.futures import Future
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

from synapse.session.concurrency import FleetingExecutor

Work: TypeAlias = Callable[[], "Sequence[Work]"]
"""Work that is done beside other work, and gives what is left to do of it."""

_MOST_WAITING: Final = 2  # batches that may wait, all sent, for an older one
_AHEAD: Final = 4  # batches that may wait to be finished, whatever their size


B = TypeVar("B", bound=Sized)


def run_pipeline(
    batches: Iterable[B],
    *,
    prepare: Callable[[B], Sequence[Work]],
    finish: Callable[[B], bool],
    workers: int,
    window: int,
    ordered: bool = False,
) -> None:
    """Take batches as there is room for them, *prepare* each, do its jobs on *workers* threads, and *finish* it.

    One batch at a time is prepared, and one finished, while the jobs of others are done. A batch is taken as long as
    less than *window* items wait for their turn. Batches are finished in their order, but a slow one holds up at most
    a few others, unless all are to be *ordered*; `False` from *finish* ends the run. What a stage raises ends it too.
    """
    line = _Pipeline(prepare, finish, window, ordered, workers)
    try:
        for batch in batches:
            if not line.add(batch):
                break
        line.wait()
    finally:
        line.close()


class _Pipeline(Generic[B]):
    def __init__(
        self,
        prepare: Callable[[B], Sequence[Work]],
        finish: Callable[[B], bool],
        window: int,
        ordered: bool,
        workers: int,
    ) -> None:
        self._prepare, self._finish = prepare, finish
        self._window, self._workers = window, workers
        self._most_waiting: float = float("inf") if ordered else _MOST_WAITING
        names = {"prepare": 1, "work": workers, "finish": 1}
        self._pools = {name: FleetingExecutor(count, name=f"synapse-{name}") for name, count in names.items()}
        self._changed = threading.Condition()
        self._added = 0
        self._unfinished: dict[int, B] = {}  # taken, and not yet on to be finished
        self._jobs_left: dict[int, int] = {}  # jobs that are left of each
        self._ready: dict[int, B] = {}
        self._finishing = 0
        self._ended = False
        self._error: BaseException | None = None

    def add(self, batch: B) -> bool:
        """Take a batch, and wait until there is room for another; whether there is any need for it."""
        with self._changed:
            number, self._added = self._added, self._added + 1
            # Until it is prepared, a batch counts as one job an item: else batches were taken without end meanwhile.
            self._unfinished[number], self._jobs_left[number] = batch, len(batch)
        self._submit("prepare", self._prepared, number)
        return self._wait(self._has_room)

    def wait(self) -> None:
        """Wait until all is finished, or the run has ended."""
        self._wait(lambda: not self._unfinished and not self._finishing)

    def close(self) -> None:
        """Start nothing more; what runs ends on its own."""
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)

    def _wait(self, reached: Callable[[], bool]) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._ended or reached())
            if self._error is not None:
                raise self._error
            return not self._ended

    def _has_room(self) -> bool:
        waiting = len(self._unfinished) + self._finishing
        return (
            sum(self._jobs_left.values()) < self._window
            and self._finishing < _AHEAD
            and waiting < self._workers + _AHEAD
        )

    def _submit(self, pool: str, work: Callable[..., None], *arguments: Any) -> None:
        call = partial(contextvars.copy_context().run, work, *arguments)
        try:
            future = self._pools[pool].submit(call)
        except RuntimeError:  # closed meanwhile, since the run has ended
            return
        future.add_done_callback(self._note_error)

    def _note_error(self, future: Future[None]) -> None:
        if future.cancelled() or future.exception() is None:
            return
        with self._changed:
            self._error = self._error or future.exception()
            self._ended = True
            self._changed.notify_all()

    def _prepared(self, number: int) -> None:
        self._continue(number, self._prepare(self._unfinished[number]), done=self._jobs_left[number])

    def _worked(self, number: int, job: Work) -> None:
        self._continue(number, job(), done=1)

    # A job may leave others behind: a presigned batch leaves what the storage did not take.
    def _continue(self, number: int, jobs: Sequence[Work], *, done: int) -> None:
        with self._changed:
            self._jobs_left[number] += len(jobs) - done
            if not self._jobs_left[number]:
                self._ready[number] = self._unfinished[number]
                self._finish_ready()
            self._changed.notify_all()
        for job in jobs:
            self._submit("work", self._worked, number, job)

    def _finish_ready(self) -> None:
        """Let ready batches be finished, the oldest first."""
        while self._ready:
            number = min(self._ready)
            # In order, so that the report of a run that breaks off has few holes; but one huge file does not hold up
            # the units of all that came after it.
            if number > min(self._unfinished) and len(self._ready) <= self._most_waiting:
                return
            del self._unfinished[number], self._jobs_left[number]
            self._finishing += 1
            self._submit("finish", self._finished, self._ready.pop(number))

    def _finished(self, batch: B) -> None:
        continues = not self._ended and self._finish(batch)
        with self._changed:
            self._finishing -= 1
            self._ended = self._ended or not continues
            self._changed.notify_all()
