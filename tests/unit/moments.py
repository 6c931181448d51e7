"""Interrupts at every moment at which Python would look for one, one after the other."""

from __future__ import annotations

import sys

from collections.abc import Callable
from types import FrameType, ModuleType


def interrupted(do: Callable[[], object], *, within: ModuleType, at: int) -> bool:
    """Call *do*, with Ctrl-C at the nth call, or end of a call, within a module; False if it has fewer."""
    seen = 0

    def look(frame: FrameType, event: str, _: object) -> None:
        nonlocal seen
        if event in ("call", "c_return") and frame.f_code.co_filename == within.__file__:
            seen += 1
            if seen == at:
                raise KeyboardInterrupt

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        do()
    except KeyboardInterrupt:
        return True
    finally:
        sys.setprofile(before)
    return False
