"""How many requests a session may start in any period, as `Session(rate="10/s")` says."""

from __future__ import annotations

import re
import threading

from collections import deque
from typing import Final, Self

import attrs

from synapse.errors import ConfigError, describe

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
# The units that people write, of which the first letter tells: s, sec, min, hour, and Django REST framework's m, h, d.
_RATE: Final = re.compile(
    r"([1-9][0-9]{0,6})\s*/\s*(s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?)", re.ASCII | re.IGNORECASE
)


@attrs.frozen
class Rate:
    """At most `requests` of them in any period of `seconds`."""

    requests: int
    seconds: float

    @classmethod
    def of(cls, value: object) -> Self | None:
        """Read the `rate` argument, such as "10/s", "600/min" or "5000/h"; None is no limit.

        >>> Rate.of("600/min")
        Rate(requests=600, seconds=60)
        """
        if value is None or isinstance(value, cls):
            return value
        found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise ConfigError(
                f"rate must look like '10/s', '600/min' or '5000/h', with a whole number, not {describe(value)}"
            )
        return cls(int(found[1]), _SECONDS[found[2][0].lower()])

    def __str__(self) -> str:
        unit = next((name for name, each in _SECONDS.items() if each == self.seconds), f"{self.seconds:g} s")
        return f"{self.requests}/{unit}"


class Pace:
    """Says when the requests of one session may start; threads share it."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        # Only the latest starts matter: the next request may start one period after the first of them.
        self._starts: deque[float] = deque(maxlen=rate.requests)
        self._lock = threading.Lock()

    def claim(self, now: float) -> bool:
        """Take the next start, if it is free by now."""
        with self._lock:
            if self._left(now) > 0:
                return False
            self._starts.append(now)
            return True

    def left(self, now: float) -> float:
        """Return the seconds until a request may start; 0 or less if one may start now."""
        with self._lock:
            return self._left(now)

    def _left(self, now: float) -> float:
        is_full = len(self._starts) == self._starts.maxlen
        return self._starts[0] + self.rate.seconds - now if is_full else 0.0
