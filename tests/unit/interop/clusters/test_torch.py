"""Queries as iterable datasets of PyTorch."""

from __future__ import annotations

import pickle
import sys

from importlib.util import find_spec
from itertools import islice
from typing import Any

import pytest

from synapse import ConfigError, MappingError, QueryError, Session, Task, WrongHostError
from synapse.testing import assert_requests, canned
from tests.unit.interop.clusters.stand_in import as_worker, installed
from tests.unit.orm.rows import served, task

ROWS = range(1, 61)


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch, or what stands in for it."""
    if find_spec("torch") is None:
        installed(monkeypatch)


def tasks() -> Any:
    """A query of sixty tasks."""
    rows = [task(key) for key in ROWS]
    return Task.objects.using(canned({"GET sdk/tasks/": served(rows)}))


def keys(dataset: Any) -> list[int]:
    """The keys of the rows that come."""
    return [row["id"] for row in dataset]


def of_workers(patch: pytest.MonkeyPatch, dataset: Any, *, workers: int, ranks: int = 1) -> list[list[int]]:
    """The keys that each worker of each rank gets."""
    found = []
    for rank in range(ranks):
        for index in range(workers):
            as_worker(patch, index, workers, rank=rank, ranks=ranks)
            found.append(keys(dataset))
    return found


class TestEpoch:
    @pytest.mark.parametrize(("workers", "ranks"), [(1, 1), (2, 1), (2, 2), (5, 1)])
    def test_every_row_once(self, monkeypatch: pytest.MonkeyPatch, workers: int, ranks: int) -> None:
        """The workers of all ranks get each row once together."""
        dataset = tasks().to_torch(columns=["id"], shards=8)

        found = of_workers(monkeypatch, dataset, workers=workers, ranks=ranks)

        assert list(ROWS) == sorted(key for each in found for key in each)

    def test_shuffled_by_seed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The order is that of the seed and the epoch, and each epoch has every row once."""
        first, again, other = (
            tasks().to_torch(columns=["id"], shards=8, shuffle_shards=True, seed=seed) for seed in (1, 1, 2)
        )

        orders = [keys(first), keys(again), keys(other)]
        first.set_epoch(1)
        orders.append(keys(first))
        assert [list(ROWS)] * 4 == list(map(sorted, orders))
        assert (orders[0], 3) == (orders[1], len({tuple(each) for each in orders}))

    def test_second_pass_is_whole(self) -> None:
        """Whoever goes through it twice gets every row twice."""
        dataset = tasks().to_torch(columns=["id"], shards=3)

        assert [list(ROWS)] * 2 == [keys(dataset), keys(dataset)]


class TestResuming:
    @pytest.mark.parametrize("taken", [0, 1, 7, 8, 29, 30])
    def test_goes_on_in_a_worker(self, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
        """A worker that starts anew with the state goes on behind the last row."""
        make = {"columns": ["id"], "shards": 8, "shuffle_shards": True, "seed": 3}
        dataset, anew = tasks().to_torch(**make), tasks().to_torch(**make)
        as_worker(monkeypatch, 1, 2)
        expected = keys(tasks().to_torch(**make))

        first = [row["id"] for row in islice(iter(dataset), taken)]
        anew.load_state_dict(dataset.state_dict())

        assert expected == [*first, *keys(anew)]

    def test_state_of_other_shards(self) -> None:
        """A state means nothing where the rows were cut otherwise."""
        state = tasks().to_torch(shards=8).state_dict()

        with pytest.raises(QueryError, match="other shards"):
            tasks().to_torch(shards=4).load_state_dict(state)

    def test_state_of_another_worker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each worker has its own state."""
        dataset = tasks().to_torch(shards=8)
        state = dataset.state_dict()
        as_worker(monkeypatch, 1, 2)

        with pytest.raises(QueryError, match="worker 0 of 1"):
            dataset.load_state_dict(state)

    @pytest.mark.parametrize("state", [None, {}, {"epoch": 1}])
    def test_no_state(self, state: Any) -> None:
        """Anything else is refused."""
        with pytest.raises(QueryError, match="state_dict"):
            tasks().to_torch().load_state_dict(state)


class TestRows:
    def test_transform(self) -> None:
        """What `transform` makes of a row is what comes."""
        dataset = tasks().to_torch(columns=["id", "meta"], transform=lambda row: row["meta"]["n"])

        assert list(ROWS) == list(dataset)

    def test_files(self, tmp_path: Any) -> None:
        """A file comes as its bytes, by the name of its specification."""
        file = {"url": "data:,abc", "file_name_original": "1.txt", "file_type": "text", "is_primary": True}
        rows = served([task(1, files={"text_1": file})])
        session = canned({"GET sdk/tasks/": rows, "GET sdk/tasks/files/": rows})

        asked = Task.objects.using(session).to_torch(columns=["id"], files="text_1", cache=tmp_path)

        assert [{"id": 1, "text_1": b"abc"}] == list(asked)

    @pytest.mark.parametrize("taken", [0, 1])
    def test_bad_rows(self, taken: int) -> None:
        """A row that does not fit ends the epoch, or is left out, also when a worker goes on."""
        rows = [task(1), task(2, meta=[1]), task(3)]
        query = Task.objects.using(canned({"GET sdk/tasks/": served(rows)}))
        with pytest.raises(MappingError, match="meta of row 2"):
            list(query.to_torch(columns=["id", "meta"], shards=1))
        dataset, anew = (query.to_torch(columns=["id", "meta"], shards=1, on_bad_row="skip") for _ in "ab")
        first = keys(islice(iter(dataset), taken))
        anew.load_state_dict(dataset.state_dict())

        assert [1, 3] == [*first, *keys(anew)]

    def test_missing_file(self) -> None:
        """A row without the file is told, with the nearest name."""
        file = {"url": "data:,abc", "file_name_original": "1.txt", "file_type": "text", "is_primary": True}
        session = canned({"GET sdk/tasks/": served([task(1, files={"image_1": file})])})

        with pytest.raises(QueryError, match="did you mean 'image_1'"):
            list(Task.objects.using(session).to_torch(files="image_2"))

    def test_pickle_has_no_token(self) -> None:
        """What is sent to workers has no credentials, and is refused by another backend."""
        session = canned({"GET sdk/tasks/": served([task(1)])}, agent_token="syn_secret")
        pickled = pickle.dumps(Task.objects.using(session).to_torch(shards=2))

        assert b"syn_secret" not in pickled
        with Session("http://other.test", api_token="x"), pytest.raises(WrongHostError):
            list(pickle.loads(pickled))


def test_without_pytorch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library that is missing is named before anything is sent."""
    for name in ("torch", "torch.utils", "torch.utils.data"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "synapse.interop.torch_rows", raising=False)
    asked = tasks()

    with assert_requests(0, session=asked.session), pytest.raises(ConfigError, match="needs torch"):
        asked.to_torch()
