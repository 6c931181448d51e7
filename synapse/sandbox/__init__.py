"""A Synapse backend on this machine, for trying things out and for tests.

with synapse.sandbox.serve(seed="demo") as sandbox:
    synapse.connect(sandbox.url, api_token=sandbox.api_token)
"""

from __future__ import annotations

from .faults import FaultsError
from .launch import ObjectStorage, Sandbox, SandboxError, TenantAccess, serve
from .network import SandboxWarning

__all__ = [
    "FaultsError",
    "ObjectStorage",
    "Sandbox",
    "SandboxError",
    "SandboxWarning",
    "TenantAccess",
    "serve",
]

for _public in (FaultsError, ObjectStorage, Sandbox, SandboxError, SandboxWarning, TenantAccess, serve):
    _public.__module__ = __name__
