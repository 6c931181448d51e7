"""Names under which scripts for the documented client look for it and its errors."""

from __future__ import annotations

from synapse.client import BackendClient

__all__ = ["BackendClient"]
