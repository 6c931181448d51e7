"""When a request may be sent again, and how long to wait before."""

from __future__ import annotations

import math
import random
import re
import time

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
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


class Effect(Enum):
    """What is known of a request once it is answered."""

    NOT_DONE = "refused, and nothing was done"
    UNKNOWN = "it may have happened"
    REPEATABLE = "sending it again does no harm, and may go better"


@attrs.frozen
class Rule:
    """What a status means for a request that must not be sent twice (`write`: POST and PATCH), and for the `others`.

    Whoever answers `by_gateway` is not the backend, or not for sure: the backend's own answer never came. A `slow`
    one says that the answer took too long, so that asking for less may help.
    """

    write: Effect
    others: Effect
    by_gateway: bool = False
    slow: bool = False

    @property
    def acted(self) -> bool:
        """Whether a write may have happened all the same."""
        return self.write is Effect.UNKNOWN

    def effect(self, *, idempotent: bool) -> Effect:
        """Choose by the request."""
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
        503: _GATEWAY,  # unless the backend says it: `rule_of()`
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
"""The statuses that mean more than their hundred: of the others, a 4xx is a refusal, a 5xx a failure of the backend."""
SLOW: Final = frozenset(status for status, rule in RULES.items() if rule.slow)
BUSY: Final = frozenset({429, 503})
"""Those whose `Retry-After` every worker of a session waits for."""


def rule_of(status: int, *, explained: bool = False) -> Rule:
    """Give the rule of a status that is no success.

    Routers answer 503 when they tire of a backend that goes on working. Only one that is *explained*, by a
    `Retry-After` or in the backend's own words, tells that nothing was done.

    >>> rule_of(503).write.name, rule_of(503, explained=True).write.name, rule_of(404).write.name
    ('UNKNOWN', 'REPEATABLE', 'NOT_DONE')
    """
    if status == 503 and explained:
        return _BUSY
    if status < 400:
        return _BROKEN
    return RULES.get(status, _FAILURE if status >= 500 else _REFUSAL)


def rule_of_failure(*, acted: bool, passing: bool, slow: bool) -> Rule:
    """Give the rule of a request that has no answer: whether the backend may have acted, and the next one go better."""
    others = Effect.REPEATABLE if passing else Effect.UNKNOWN if acted else Effect.NOT_DONE
    return Rule(Effect.UNKNOWN if acted else others, others, by_gateway=True, slow=slow)


def tunnel_may_open(status: int) -> bool:
    """Whether a proxy that answered CONNECT so may open a tunnel next time; nothing was sent through it."""
    return status >= 500 or status == 429


def storage_may_take(status: int) -> bool:
    """Whether a storage that answered the PUT of a file so may take it next time."""
    return rule_of(status).others is Effect.REPEATABLE or (status >= 500 and status != 501)
