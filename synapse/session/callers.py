"""Which line of the user's code a call goes back to."""

from __future__ import annotations

import sys

from types import FrameType
from typing import Final

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
