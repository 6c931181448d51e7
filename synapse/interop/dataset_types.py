"""What the datasets of other libraries are called, for annotations; none of them has to be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    import datasets  # pyright: ignore[reportMissingImports]
    import ray.data  # pyright: ignore[reportMissingImports]

RayDataset: TypeAlias = "ray.data.Dataset"
HuggingFaceDataset: TypeAlias = "datasets.IterableDataset | datasets.Dataset"
