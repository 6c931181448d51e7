"""Datasets of PyTorch in a `DataLoader` with two worker processes, where PyTorch is installed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

import synapse

from synapse import Task
from tests.seeded import Seeded

data = pytest.importorskip(
    "torch.utils.data", reason="PyTorch is not installed (2.7 GB): NO DataLoader was tried, only a stand-in"
)


@pytest.fixture(autouse=True)
def backend(seeded_sandbox: Seeded, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The seeded backend, which workers know by their environment."""
    sandbox = seeded_sandbox.reset()
    monkeypatch.setenv("SYNAPSE_HOST", sandbox.url)
    monkeypatch.setenv("SYNAPSE_API_TOKEN", sandbox.api_token)
    synapse.connect(sandbox.url, api_token=sandbox.api_token)
    yield
    synapse.disconnect()


def dataset(*, seed: int = 0) -> Any:
    """The tasks, in shuffled shards."""
    return Task.objects.all().to_torch(columns=["id"], shards=6, shuffle_shards=True, seed=seed)


def keys(rows: Any) -> list[int]:
    """The keys of the rows that come."""
    return [row["id"] for row in rows]


def every() -> list[int]:
    """The keys that there are."""
    return sorted(Task.objects.values_list("id", flat=True))


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_every_row_once_an_epoch(start: str) -> None:
    """Two processes share the shards, whether they inherit the dataset or get it as a pickle."""
    rows = dataset()
    loader = data.DataLoader(rows, batch_size=None, num_workers=2, multiprocessing_context=start)

    for epoch in range(2):
        rows.set_epoch(epoch)
        assert every() == sorted(keys(loader))


def test_shuffled_by_seed() -> None:
    """The same seed and epoch give the same order, another one another."""
    orders = []
    for seed, epoch in ((1, 0), (1, 0), (2, 0), (1, 1)):
        rows = dataset(seed=seed)
        rows.set_epoch(epoch)
        orders.append(tuple(keys(data.DataLoader(rows, batch_size=None, num_workers=2))))

    assert (orders[0], 3) == (orders[1], len(set(orders)))


@pytest.mark.filterwarnings("ignore:'set_vital' is deprecated")  # torchdata 0.11 calls it
@pytest.mark.parametrize("taken", [0, 1, 5])
def test_goes_on_in_the_middle(taken: int) -> None:
    """A `StatefulDataLoader` that is made anew with the state gives the rest of the epoch."""
    stateful = pytest.importorskip(
        "torchdata.stateful_dataloader", reason="torchdata is not installed: NO loader was resumed"
    )
    loader, anew = (stateful.StatefulDataLoader(dataset(), batch_size=None, num_workers=2) for _ in range(2))
    first = keys(islice(loader, taken))

    anew.load_state_dict(loader.state_dict())

    assert every() == sorted([*first, *keys(anew)])
