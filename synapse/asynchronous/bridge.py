"""The bridge from coroutines to worker threads, by which every twin goes."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any, Final, Generic, Self, TypeVar, cast

from synapse.errors import SynapseError, WriteUnconfirmedError
from synapse.session.current_session import context_without_session
from synapse.session.throttle import Cancellation, StoppedError, cancellation

T = TypeVar("T")
R = TypeVar("R")

MOST_THREADS: Final = 32
"""So many calls of one event loop run at once, besides those that wait for a job; the others wait for a thread."""

_END: Final = object()


async def in_worker(call: Callable[[], T], *, waits: bool = False) -> T:
    """Make a call in a worker thread, in a copy of this context, and return or raise what it does.

    If the coroutine is cancelled, nothing more is sent. A call that has begun to write is waited for as long as its
    answers may take; what it raised, or a `WriteUnconfirmedError`, is then the cause of the `CancelledError`.
    """
    loop = asyncio.get_running_loop()
    run = _Run(loop, call)
    _threads_of(loop).start(run, alone=waits)
    try:
        await asyncio.wait([run.done])
    except asyncio.CancelledError as cancelled:
        limit = run.stop.set()
        cause = await _outcome_of_writes(run, limit) if limit else None
        run.stop.cut()
        if cause is None:
            raise
        raise cancelled from cause
    return run.result()


async def _outcome_of_writes(run: _Run[Any], limit: float) -> BaseException | None:
    """Wait for a call that was cancelled while it wrote; give what is wrong or unknown of its writes."""
    # Cancelled once more, it waits no longer.
    with suppress(asyncio.CancelledError):
        await asyncio.wait([run.done], timeout=limit)
    if not run.done.done():
        return WriteUnconfirmedError(
            f"the call was cancelled while it wrote, and no answer came within {limit:g} s: it may have happened"
        )
    error = run.error
    return error if isinstance(error, SynapseError) and not isinstance(error, StoppedError) else None


class _Run(Generic[T]):
    """One call in a worker thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[], T]) -> None:
        self.stop = Cancellation()
        self.done: asyncio.Future[None] = loop.create_future()
        self.error: BaseException | None = None
        self._loop, self._call = loop, call
        self._value: T | None = None
        self._context = contextvars.copy_context()
        self._context.run(cancellation.set, self.stop)
        bar = context_without_session()
        if bar is not None:
            self._context.run(bar)

    def work(self) -> None:
        """Make the call, in a worker thread."""
        if not self.stop.is_set():
            try:
                self._value = self._context.run(self._call)
            except BaseException as error:
                self.error = error
        # The loop may have been closed since, with nobody waiting.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._finish)

    def _finish(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def result(self) -> T:
        """Return or raise what the call did."""
        error, self.error = self.error, None
        if error is not None:
            try:
                raise error
            finally:
                del error  # else the error and this frame would keep each other
        return cast("T", self._value)


class _Threads:
    """The threads of one event loop: one for each call, and none that waits for something to do."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._waiting: deque[_Run[Any]] = deque()

    def start(self, run: _Run[Any], *, alone: bool) -> None:
        """Make a call as soon as a thread is free; one that is *alone* doesn't count, since it may wait for others."""
        with self._lock:
            if not alone and self._running == MOST_THREADS:
                self._waiting.append(run)
                return
            self._running += not alone
        work = run.work if alone else partial(self._work, run)
        # A daemon: the end of the process does not wait for an answer that nobody needs any more.
        threading.Thread(target=work, name="synapse-async", daemon=True).start()

    def _work(self, run: _Run[Any] | None) -> None:
        while run is not None:
            run.work()
            with self._lock:
                run = self._waiting.popleft() if self._waiting else None
                self._running -= run is None


_THREADS: Final[weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Threads]] = weakref.WeakKeyDictionary()


def _threads_of(loop: asyncio.AbstractEventLoop) -> _Threads:
    found = _THREADS.get(loop)
    if found is None:
        found = _THREADS[loop] = _Threads()
    return found


class AsyncRows(Generic[R]):
    """An asynchronous iterator over what a method streams; pages come through worker threads, rows without one.

    `checkpoint`, `bad` and `bad_count` are those of `Rows`. Leaving the block `async with rows:`, and `aclose()`, stop
    the reading, as cancelling does.
    """

    def __init__(self, rows: Any) -> None:
        self._rows = rows
        self._fetch: Callable[[], bool] | None = getattr(rows, "fetch", None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        if self._fetch is None:
            row = await self._in_worker(partial(_next, self._rows))
            if row is _END:
                raise StopAsyncIteration
            return cast("R", row)
        # Another task may have taken what came: nothing may be fetched by `next()`, which would block the loop.
        while not self._rows.is_ready:
            if not await self._in_worker(self._fetch):
                raise StopAsyncIteration
        return cast("R", next(self._rows))

    async def _in_worker(self, call: Callable[[], Any]) -> Any:
        try:
            return await in_worker(call, waits=self._fetch is None)
        except asyncio.CancelledError:
            if self._fetch is not None:
                self._rows.close()
            raise

    async def aclose(self) -> None:
        """Stop reading: nothing more is sent, and requests in flight are not waited for."""
        close = getattr(self._rows, "close", None)
        if close is not None:
            close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    @property
    def checkpoint(self) -> str:
        """The position after the last row that was returned, as text without secrets."""
        return cast("str", self._rows.checkpoint)

    @property
    def bad(self) -> list[Any]:
        """The errors of rows that were left out, the first 1,000."""
        return cast("list[Any]", self._rows.bad)

    @property
    def bad_count(self) -> int:
        """The number of rows that were left out."""
        return cast("int", self._rows.bad_count)

    def __repr__(self) -> str:
        return f"<Async{repr(self._rows).lstrip('<')}" if self._fetch else f"<AsyncRows of {self._rows!r}>"


def _next(rows: Iterator[Any]) -> Any:
    found = next(rows, _END)
    call = cancellation.get()
    close = getattr(rows, "close", None)
    if call is not None and call.is_set() and close is not None:
        close()
    return found
