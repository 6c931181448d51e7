"""When a request may be sent again, and how long to wait before."""

from __future__ import annotations

import math
import random
import re
import time

from collections.abc import Mapping
from datetime import UTC
from enum import Enum
from types import MappingProxyType
from typing import Final

import attrs

from synapse.errors import ConfigError

_NUMBER: Final = re.compile(
    r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?"
)  # float() reads more: "٣", "1_0", "nan"


@attrs.frozen
class Retry:
    """How often a request is repeated, and how long to wait before; times are in seconds.

    `total` counts the repeats after the first attempt. The waits grow from `backoff` to `cap`, with full jitter. A
    `Retry-After` of the backend is waited for, unless it is longer than `max_wait`: that is an error at once.
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
        """Whether a pause that the backend asks for is short enough to wait for."""
        return retry_after is None or retry_after <= self.max_wait

    def wait(self, attempt: int, *, retry_after: float | None = None) -> float:
        """Return the seconds to wait after attempt number *attempt*, starting with 0."""
        jitter = random.random()
        if retry_after is not None:
            return min(retry_after, self.max_wait) + jitter * min(self.backoff, self.cap)
        return jitter * min(self.cap, self.backoff * 2.0 ** min(attempt, 60))


def seconds_until(retry_after: str | None) -> float | None:
    """Read a `Retry-After` header, in seconds or as an HTTP date; `None` for nonsense, the longest of several.

    >>> seconds_until("120"), seconds_until("soon")
    (120.0, None)
    """
    from email.utils import parsedate_to_datetime

    if not retry_after:
        return None
    wishes = [wish.strip() for wish in retry_after.split(",")]
    if all(map(_NUMBER.fullmatch, wishes)):
        seconds = max(map(float, wishes))
    else:
        try:
            moment = parsedate_to_datetime(retry_after)
            # Dates of HTTP are in GMT; Python would take one without a zone for local time.
            seconds = moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None


class Effect(Enum):
    """What an answer tells about its request."""

    NOT_DONE = "refused, and nothing was done"
    UNKNOWN = "it may have happened"
    REPEATABLE = "sending it again does no harm, and may go better"


@attrs.frozen(eq=False, repr=False)
class Rule:
    """What a status means for a request that must not be sent twice (`write`: POST and PATCH), and for the `others`.

    `by_gateway`: the answer may come from a proxy, so that the backend's own answer was lost. `slow`: the answer took
    too long, so that asking for less may help.
    """

    write: Effect
    others: Effect
    by_gateway: bool = False
    slow: bool = False

    @property
    def acted(self) -> bool:
        """Whether a write may have happened."""
        return self.write is Effect.UNKNOWN

    def effect(self, *, idempotent: bool) -> Effect:
        """Return what it means for a request that is, or is not, idempotent."""
        return self.others if idempotent else self.write


_REFUSAL: Final = Rule(Effect.NOT_DONE, Effect.NOT_DONE)
_BUSY: Final = Rule(Effect.REPEATABLE, Effect.REPEATABLE)
_FAILURE: Final = Rule(Effect.UNKNOWN, Effect.UNKNOWN)
_GATEWAY: Final = Rule(Effect.UNKNOWN, Effect.REPEATABLE, by_gateway=True)
_SLOW: Final = attrs.evolve(_GATEWAY, slow=True)
_BROKEN: Final = attrs.evolve(_FAILURE, by_gateway=True)

RULES: Final[Mapping[int, Rule]] = MappingProxyType(
    {
        408: _SLOW,
        425: _GATEWAY,
        429: _BUSY,
        499: _GATEWAY,
        502: _GATEWAY,
        503: _GATEWAY,  # unless it is explained: see `rule_of()`
        504: _SLOW,
        520: _GATEWAY,
        521: _GATEWAY,
        522: _GATEWAY,
        523: _GATEWAY,
        524: _SLOW,
        525: _BROKEN,
        526: _BROKEN,
        527: _BROKEN,
        530: _BROKEN,
    }
)
"""Statuses with a rule of their own; any other 4xx is a refusal, any other 5xx a failure of the backend."""
SLOW: Final = frozenset(status for status, rule in RULES.items() if rule.slow)
BUSY: Final = frozenset({429, 503})
"""Statuses whose `Retry-After` holds back every request of the session to that origin."""


def rule_of(status: int, *, explained: bool = False) -> Rule:
    """Return the rule of a status that is no success.

    A router answers 503 when the backend is too slow for it, and the backend may go on working. Only a 503 that is
    *explained*, by a `Retry-After` or in the backend's own words, says that nothing was done.

    >>> rule_of(503).write.name, rule_of(503, explained=True).write.name, rule_of(404).write.name
    ('UNKNOWN', 'REPEATABLE', 'NOT_DONE')
    """
    if status == 503 and explained:
        return _BUSY
    if status < 400:
        return _BROKEN
    return RULES.get(status, _FAILURE if status >= 500 else _REFUSAL)


def rule_of_failure(*, acted: bool, passing: bool, slow: bool) -> Rule:
    """Return the rule of a request without an answer: *acted*, *passing* and *slow* are those of its `Failure`."""
    others = Effect.REPEATABLE if passing else Effect.UNKNOWN if acted else Effect.NOT_DONE
    return Rule(Effect.UNKNOWN if acted else others, others, by_gateway=True, slow=slow)


def tunnel_may_open(status: int) -> bool:
    """Whether a proxy that refused CONNECT with this status may accept it next time; no request was sent yet."""
    return status >= 500 or status == 429


def storage_may_take(status: int) -> bool:
    """Whether a storage that answered a PUT with this status may take the file next time."""
    return rule_of(status).others is Effect.REPEATABLE or (status >= 500 and status != 501)
