"""Bounded concurrency: one function over many items, results in order."""

from __future__ import annotations

import contextvars
import queue
import threading

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future
from functools import partial
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar, cast

from synapse.session.current_session import context_without_session
from synapse.session.interrupts import is_from_signal
from synapse.session.throttle import abandoned

T = TypeVar("T")
R = TypeVar("R")


class Outcome(NamedTuple, Generic[T, R]):
    """One item with its result, or with the error that it ended with."""

    item: T
    result: R | None
    error: Exception | None

    def value(self) -> R:
        """Give the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return cast("R", self.result)


def run_one(function: Callable[[T], R], item: T) -> Outcome[T, R]:
    """Call *function* with *item*, and return its exception as a value, unless a signal handler raised it."""
    try:
        return Outcome(item, function(item), None)
    except Exception as error:
        if is_from_signal(error):
            raise
        return Outcome(item, None, error)


def run_all(
    function: Callable[[T], R], items: Iterable[T], *, workers: int
) -> Generator[Outcome[T, R], None, None]:
    """Yield the outcome of every item in order, running at most *workers* at once.

    *items* is read ahead by at most twice the number of workers. Each call runs in a copy of the caller's context.
    Closing the iterator starts no more calls, and does not wait for those that are running.
    """
    source = iter(items)
    head = list(islice(source, 2))
    if workers == 1 or len(head) < 2:
        for item in [*head, *source] if len(head) < 2 else _chain(head, source):
            yield run_one(function, item)
        return
    pool, gone = FleetingExecutor(workers, name="synapse-call"), threading.Event()
    bar = context_without_session()
    try:
        waiting: deque[Future[Outcome[T, R]]] = deque()
        for item in _chain(head, source):
            context = contextvars.copy_context()
            context.run(abandoned.set, gone)
            if bar is not None:
                context.run(bar)
            waiting.append(pool.submit(context.run, run_one, function, item))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        gone.set()
        pool.shutdown(wait=False, cancel_futures=True)


class FleetingExecutor(Executor):
    """An executor of daemon threads: the end of the process does not wait for work that can be resolved later."""

    def __init__(self, workers: int, *, name: str) -> None:
        self._workers, self._name = workers, name
        self._waiting: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call *fn* as soon as a thread is free."""
        future: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("the executor is closed")
            self._waiting.put((future, partial(fn, *args, **kwargs)))
            if not self._idle.acquire(blocking=False) and len(self._threads) < self._workers:
                thread = threading.Thread(target=self._work, name=self._name, daemon=True)
                self._threads.append(thread)
                thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; the threads end after those that were taken, or those that are running."""
        with self._lock:
            self._closed = True
            while cancel_futures:
                try:
                    waiting = self._waiting.get_nowait()
                except queue.Empty:
                    break
                if waiting is not None:
                    waiting[0].cancel()
                    waiting[0].set_running_or_notify_cancel()
            for _ in self._threads:
                self._waiting.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            future, call = waiting
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(call())
                except BaseException as error:
                    future.set_exception(error)
            del waiting, future, call  # an idle thread must not keep results alive
            self._idle.release()


def _chain(head: list[T], tail: Iterator[T]) -> Iterator[T]:
    yield from head
    yield from tail
