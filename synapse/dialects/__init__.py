"""How questions and answers travel: one module per API generation. Pure."""

from __future__ import annotations

from typing import Final

from synapse.dialects.dialect import Credentials, Dialect, Found, Place, Refusal, Table, Traits
from synapse.dialects.v1 import V1
from synapse.dialects.v2 import V2
from synapse.dialects.wire import Reply, Request

__all__ = [
    "DEFAULT",
    "V1",
    "V2",
    "Credentials",
    "Dialect",
    "Found",
    "Place",
    "Refusal",
    "Reply",
    "Request",
    "Table",
    "Traits",
]

DEFAULT: Final[Dialect] = V1()
"""The generation that a session speaks where it is given none."""
