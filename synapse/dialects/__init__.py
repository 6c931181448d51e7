"""How questions and answers travel: one module per API generation. Pure."""

from __future__ import annotations

from synapse.dialects.v1 import V1
from synapse.dialects.wire import Page, Reply, Request

__all__ = ["V1", "Page", "Reply", "Request"]
