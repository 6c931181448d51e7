"""The flat client: the backend by plain calls, named as in the documented client."""

from __future__ import annotations

from synapse.client.backend import BackendClient

__all__ = ["BackendClient"]
