"""Locks that a forked child does not inherit from threads that it does not have."""

from __future__ import annotations

import os
import threading

from typing import Any


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
