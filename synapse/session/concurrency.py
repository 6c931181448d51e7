"""Bounded concurrency: one function over many items, results in order."""

from __future__ import annotations

import contextvars

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Outcome(NamedTuple, Generic[T, R]):
    """What became of one item: its result, or the error it ended with."""

    item: T
    result: R | None
    error: Exception | None


def run_one(function: Callable[[T], R], item: T) -> Outcome[T, R]:
    """Call *function* with *item*, keeping its exception as a value."""
    try:
        return Outcome(item, function(item), None)
    except Exception as error:
        return Outcome(item, None, error)


def run_all(
    function: Callable[[T], R], items: Iterable[T], *, workers: int
) -> Generator[Outcome[T, R], None, None]:
    """Yield the outcome of every item in order, running at most *workers* at once.

    *items* is read at most twice as far ahead as there are workers. Each call runs in a copy of the caller's
    context. Closing the iterator starts nothing more; calls already running end on their own.
    """
    source = iter(items)
    head = list(islice(source, 2))
    if workers == 1 or len(head) < 2:
        for item in [*head, *source] if len(head) < 2 else _chain(head, source):
            yield run_one(function, item)
        return
    pool = ThreadPoolExecutor(workers, thread_name_prefix="synapse")
    try:
        waiting: deque[Future[Outcome[T, R]]] = deque()
        for item in _chain(head, source):
            waiting.append(pool.submit(contextvars.copy_context().run, run_one, function, item))
            if len(waiting) >= 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _chain(head: list[T], tail: Iterator[T]) -> Iterator[T]:
    yield from head
    yield from tail
