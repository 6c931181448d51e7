"""Asynchronous twins: each public method that sends is there once more, to be awaited, with an `a` before its name.

`twins.py` makes them, `bridge.py` runs them in worker threads, and `typed.pyi` tells type checkers what they take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synapse.asynchronous.bridge import AsyncRows

__all__ = ["AsyncRows"]


def __getattr__(name: str) -> Any:
    # It imports asyncio, which takes longer than all of the SDK that a script needs first.
    if name != "AsyncRows":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from synapse.asynchronous.bridge import AsyncRows

    return AsyncRows
