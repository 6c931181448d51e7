"""Python's collector of cyclic garbage, kept still while a page is made.

Every object of a page is in use, so that looking for garbage among them is in vain; and there are so many that it looks
through the whole process again and again. That took a third of the time of reading.
"""

from __future__ import annotations

import gc

from collections.abc import Iterator
from contextlib import contextmanager

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


def renew() -> None:
    """Let the collector go on in a forked child, in which no block ends that another thread began."""
    global _still
    if _still:
        _still = False
        gc.enable()
