"""Which line of the user's code a warning is about."""

from __future__ import annotations

import sys


def caller() -> tuple[str, int]:
    """Find the file and the line outside of this package that a call goes back to."""
    package = __name__.partition(".")[0]
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == package:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno
