"""The session: where the SDK meets the network."""

from __future__ import annotations

from synapse.session.bulk_writes import Run, Untried, Written, create_each, rows_of
from synapse.session.cache import RelationCache
from synapse.session.concurrency import Outcome
from synapse.session.config import Settings, Timeout
from synapse.session.network_settings import UnencryptedHTTPWarning, UnverifiedTLSWarning
from synapse.session.origin import Backend
from synapse.session.profile import InsecureConfigWarning
from synapse.session.retry import Retry
from synapse.session.session import Session, current, current_if_any, set_default, set_factory
from synapse.session.trace import Call, Trace

__all__ = [
    "Backend",
    "Call",
    "InsecureConfigWarning",
    "Outcome",
    "RelationCache",
    "Retry",
    "Run",
    "Session",
    "Settings",
    "Timeout",
    "Trace",
    "Untried",
    "UnencryptedHTTPWarning",
    "UnverifiedTLSWarning",
    "Written",
    "create_each",
    "rows_of",
    "current",
    "current_if_any",
    "set_default",
    "set_factory",
]
