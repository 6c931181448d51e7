"""How questions and answers travel: one module per API generation. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from synapse.dialects import homes
from synapse.dialects.dialect import Credentials, Dialect, Found, Place, Refusal, Table, Traits
from synapse.dialects.homes import APIS, AUTO, FIRST, Api, Generation, speaking
from synapse.dialects.v1 import V1
from synapse.dialects.wire import Reply, Request

if TYPE_CHECKING:
    from synapse.dialects.v2 import V2

__all__ = [
    "APIS",
    "DEFAULT",
    "FIRST",
    "V1",
    "V2",
    "Api",
    "Credentials",
    "Dialect",
    "Found",
    "Generation",
    "Place",
    "Refusal",
    "Reply",
    "Request",
    "Table",
    "Traits",
    "homes",
    "speaking",
]

DEFAULT: Final[Dialect] = AUTO
"""What a session speaks that is told nothing else: each entity and each verb by the generation that is its home."""


def __getattr__(name: str) -> Any:
    # Whoever speaks the first generation only does without the tables of the second.
    if name == "V2":
        from synapse.dialects.v2 import V2

        return V2
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
