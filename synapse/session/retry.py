"""When to try again, and how long to wait before."""

from __future__ import annotations

import math
import random
import re
import time

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

import attrs

from synapse.errors import ConfigError

_NUMBER: Final = re.compile(
    r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?"
)  # float() reads more: "٣", "1_0", "nan"


@attrs.frozen
class Retry:
    """How often, and how patiently, a request is repeated; times are in seconds.

    `total` counts the repeats after the first attempt. The waits grow from `backoff` to `cap`, with full
    jitter. A `Retry-After` of the backend is waited for; one that is longer than `max_wait` ends in an error at once.
    """

    total: int = 3
    backoff: float = 0.5
    cap: float = 30
    max_wait: float = 60

    def __attrs_post_init__(self) -> None:
        if type(self.total) is not int or self.total < 0:
            raise ConfigError("Retry(total=…) must be a whole number, 0 or more")
        for name in ("backoff", "cap", "max_wait"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value < math.inf:
                raise ConfigError(f"Retry({name}=…) must be a number of seconds, 0 or more")

    def allows(self, retry_after: float | None) -> bool:
        """Whether a pause that the backend asks for is waited for."""
        return retry_after is None or retry_after <= self.max_wait

    def wait(self, attempt: int, *, retry_after: float | None = None) -> float:
        """Return the seconds to wait after the attempt of that number, counted from 0."""
        jitter = random.random()
        if retry_after is not None:
            return min(retry_after, self.max_wait) + jitter * min(self.backoff, self.cap)
        return jitter * min(self.cap, self.backoff * 2.0 ** min(attempt, 60))


def seconds_until(retry_after: str | None) -> float | None:
    """Read a `Retry-After` header, in seconds or as an HTTP date; `None` for nonsense, of two wishes the longer.

    >>> seconds_until("120"), seconds_until("soon")
    (120.0, None)
    """
    if not retry_after:
        return None
    wishes = [wish.strip() for wish in retry_after.split(",")]
    if all(map(_NUMBER.fullmatch, wishes)):
        seconds = max(map(float, wishes))
    else:
        try:
            moment = parsedate_to_datetime(retry_after)
            # Dates of HTTP are in GMT; one whose zone says nothing would be taken for local.
            seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
