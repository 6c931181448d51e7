"""How long a stream may be silent: as long as its server, by its own rhythm, has been before, several times over."""

from __future__ import annotations

import re

from typing import Final

SEVERAL: Final = 4
# Seconds: two comments that open a stream in quick succession are no rhythm yet, and a busy server misses a beat.
SHORTEST: Final = 10.0
# Seconds between what was sent together, as comments that fill up the buffer of a proxy.
_AT_ONCE: Final = 0.01
# A comment, or an event that carries nothing else, is what servers send so that connections are not taken for dead.
_HEARTBEAT: Final = re.compile(r":|event:\s*(?:ping|heartbeat|keep-?alive)\s*$", re.IGNORECASE)


class Heartbeats:
    """The heartbeats of one stream, by the seconds of a clock that never goes back.

    No server says how often they come, and one that sends none may well be silent for hours, as a quiet training is. So
    there is a limit only once they have come after two pauses. What a proxy holds back and sends at once makes the
    longest pause longer, and never the limit shorter than the rhythm is.
    """

    def __init__(self, now: float) -> None:
        self._last = now
        self._longest = 0.0
        self._pauses = 0

    def take(self, lines: list[str], *, now: float) -> bool:
        """Look for heartbeats in the lines that came now, and tell whether there were any."""
        if not any(map(_HEARTBEAT.match, lines)):
            return False
        self._pauses += now - self._last >= _AT_ONCE
        self._longest = max(self._longest, now - self._last)
        self._last = now
        return True

    @property
    def limit(self) -> float | None:
        """The seconds of silence after which the stream counts as dead; None as long as that cannot be told."""
        return max(SEVERAL * self._longest, SHORTEST) if self._pauses > 1 else None
