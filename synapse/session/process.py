"""The running process: locks that survive a fork, the line or coroutine that calls, the garbage collector."""

from __future__ import annotations

import gc
import os
import sys
import threading

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_ITERABLE_COROUTINE
from types import FrameType
from typing import Any, Final

from synapse.errors import SynchronousOnlyError


class Locks:
    """A lock for each process that uses an object: it is free in a forked child, even if the parent holds its own.

    What it guards may be half done in the child; the owner has to check.
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}

    @property
    def mine(self) -> Any:
        """The reentrant lock of this process."""
        process = os.getpid()
        # Two threads may both make one: `setdefault` gives both of them the one that was stored first.
        return self._made.get(process) or self._made.setdefault(process, threading.RLock())


_INSPECTORS: Final = frozenset({"rlcompleter", "inspect", "rich._inspect", "unittest.mock"})
_DEBUGGERS: Final = frozenset({"_pydevd_bundle", "jedi"})


def caller() -> tuple[str, int]:
    """Return the file and the line of the code outside of this package that made a call."""
    frame = _outside()
    return frame.f_code.co_filename, frame.f_lineno


def is_inspector() -> bool:
    """Whether a completer, a debugger or the like reads an attribute only to show it."""
    name = _module(_outside())
    return name in _INSPECTORS or name.partition(".")[0] in _DEBUGGERS


def _outside() -> FrameType:
    package = __name__.partition(".")[0]
    frame = sys._getframe(2)
    while frame.f_back is not None and _module(frame).partition(".")[0] == package:
        frame = frame.f_back
    return frame


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


# --- coroutines -----------------------------------------------------------------
UNSAFE: Final = "SYNAPSE_ALLOW_ASYNC_UNSAFE"
_COROUTINES: Final = CO_COROUTINE | CO_ITERABLE_COROUTINE | CO_ASYNC_GENERATOR
# A notebook runs its cells, its callbacks and its displays inside of coroutines of its own.
_NOTEBOOKS: Final = frozenset({"IPython", "ipykernel", "marimo", "_pyodide"})

starting: Final[ContextVar[bool]] = ContextVar("starting", default=False)
"""Set while a twin prepares what its worker thread will do."""


def blocking(what: str, instead: str) -> SynchronousOnlyError:
    """Make the error of what would keep an event loop waiting."""
    return SynchronousOnlyError(
        f"{what} would block the event loop of this coroutine: {instead}. Nothing was sent; {UNSAFE}=1 allows it"
    )


def is_in_coroutine() -> bool:
    """Whether this code is called by a coroutine of the user's, which must not wait for an answer.

    Top-level code is no coroutine, and neither is a cell of a notebook, although an event loop runs it.
    """
    events: Any = sys.modules.get("asyncio.events")
    if events is None or events._get_running_loop() is None:
        return False
    return not (starting.get() or os.environ.get(UNSAFE, "") not in ("", "0")) and _stands_in_coroutine()


def _stands_in_coroutine() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        # IPython calls the code of a cell `<cell line: 1>`, others `<module>`; an `await` in it makes it a coroutine.
        if code.co_name == "<module>" or code.co_name.startswith("<cell"):
            return False
        if code.co_flags & _COROUTINES:
            return str(frame.f_globals.get("__name__", "")).partition(".")[0] not in _NOTEBOOKS
        frame = frame.f_back  # type: ignore[assignment]
    return False


# --- the garbage collector ------------------------------------------------------
_still = False
_here: Final = threading.local()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Disable the garbage collector inside the block, unless it is disabled already.

    Every object of a page is in use, so that the collector looks through all of them in vain, again and again: that
    took a third of the time of reading. Of blocks that overlap in several threads, only the first disables it, so that
    it is never off for long.
    """
    global _still
    if not gc.isenabled():
        yield
        return
    try:
        # Inside of `try`, since Ctrl-C may come right after the first of these.
        gc.disable()
        _still = _here.still = True
        yield
    finally:
        _still = _here.still = False
        gc.enable()


@contextmanager
def waiting() -> Iterator[None]:
    """Enable the collector again while an `undisturbed()` block of this thread waits for an answer."""
    global _still
    if not getattr(_here, "still", False):
        yield
        return
    gc.enable()
    try:
        yield
    finally:
        gc.disable()
        _still = True


def renew_collector() -> None:
    """Enable the collector in a forked child, where a block of another thread never ends."""
    global _still
    if _still:
        _still = False
        gc.enable()
