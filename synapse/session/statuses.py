"""What the status of an answer tells of the request that it answers: one table for the whole package."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import Final

import attrs


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
