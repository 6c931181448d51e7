"""How questions and answers travel: one module per API generation. Pure."""

from __future__ import annotations

from typing import Final

from synapse.dialects.dialect import Credentials, Dialect, Refusal
from synapse.dialects.v1 import V1
from synapse.dialects.wire import Page, Reply, Request

__all__ = ["DEFAULT", "V1", "Credentials", "Dialect", "Page", "Refusal", "Reply", "Request"]

DEFAULT: Final[Dialect] = V1()
"""The generation that a session speaks where it is given none."""
