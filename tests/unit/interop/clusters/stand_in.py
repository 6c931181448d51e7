"""What of PyTorch a dataset needs: the base class, the worker that it is in, and ranks.

The real one is 2.7 GB. Where it is installed, the same tests take it.
"""

from __future__ import annotations

import sys

from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


def installed(patch: pytest.MonkeyPatch) -> None:
    """Stand in for PyTorch."""
    names = ("torch", "torch.utils", "torch.utils.data", "torch.distributed")
    made = {name: ModuleType(name) for name in names}
    data: Any = made["torch.utils.data"]
    ranks: Any = made["torch.distributed"]
    base: Any = made["torch"]
    data.IterableDataset = type("IterableDataset", (), {})
    data.get_worker_info = lambda: None
    data.DataLoader = lambda dataset, **how: dataset
    ranks.is_available = lambda: True
    ranks.is_initialized = lambda: False
    base.distributed = ranks
    for name, module in made.items():
        patch.setitem(sys.modules, name, module)
    patch.delitem(sys.modules, "synapse.interop.torch_rows", raising=False)


def as_worker(patch: pytest.MonkeyPatch, index: int, of: int, *, rank: int = 0, ranks: int = 1) -> None:
    """Be one worker of a loader, on one rank."""
    from synapse.interop import torch_rows as ours

    patch.setattr(ours, "get_worker_info", lambda: SimpleNamespace(id=index, num_workers=of))
    distributed: Any = sys.modules["torch"].distributed  # type: ignore[attr-defined]
    patch.setattr(distributed, "is_initialized", lambda: ranks > 1)
    patch.setattr(distributed, "get_rank", lambda: rank, raising=False)
    patch.setattr(distributed, "get_world_size", lambda: ranks, raising=False)
