"""What belongs to the process that runs this: locks across a fork, the line of a caller, the garbage collector."""

from __future__ import annotations

import gc
import os
import sys
import threading

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final


class Locks:
    """A lock for each process that uses an object: a child finds its own free, whoever held the parent's.

    What it guards may be half done then; its owner has to look.
    """

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[int, Any] = {}

    @property
    def mine(self) -> Any:
        """The reentrant lock of this process."""
        process = os.getpid()
        # Of two threads that come first, both get the one that was stored.
        return self._made.get(process) or self._made.setdefault(process, threading.RLock())


_INSPECTORS: Final = frozenset({"rlcompleter", "inspect", "rich._inspect", "unittest.mock"})
_DEBUGGERS: Final = frozenset({"_pydevd_bundle", "jedi"})


def caller() -> tuple[str, int]:
    """Find the file and the line outside of this package that a call goes back to."""
    frame = _outside()
    return frame.f_code.co_filename, frame.f_lineno


def is_inspector() -> bool:
    """Whether a completer, a debugger or the like reads an attribute just to show it."""
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


_still = False


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep the collector from starting inside the block, unless another one or the user did so already.

    Of blocks that overlap in several threads, only the first holds it, so that it is never held for long.
    """
    global _still
    if not gc.isenabled():
        yield
        return
    try:
        # An interrupt may come at any moment, also right behind the first of these.
        gc.disable()
        _still = True
        yield
    finally:
        _still = False
        gc.enable()


def renew_collector() -> None:
    """Let the collector go on in a forked child, in which no block ends that another thread began."""
    global _still
    if _still:
        _still = False
        gc.enable()
