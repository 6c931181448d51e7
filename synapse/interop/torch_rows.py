"""Queries as iterable datasets of PyTorch. Nothing else imports it."""

from __future__ import annotations

import hashlib
import os
import random

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from torch import distributed  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
from torch.utils.data import IterableDataset, get_worker_info  # pyright: ignore[reportMissingImports]

from synapse.downloads import FileCache, RemoteFile
from synapse.errors import QueryError, describe, did_you_mean, quoted
from synapse.reading.rows import OnBadRow

FILES: Final = "files"
"""The field that holds the files of a row."""


class TorchRows(IterableDataset):  # type: ignore[misc]  # torch has no types where it is not installed
    """The rows of a query, shared by the workers of all ranks. It can be pickled, without credentials."""

    def __init__(
        self,
        shards: Sequence[Any],
        *,
        cut: str,
        files: Sequence[str] = (),
        keeps_files: bool = False,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        cache: str | os.PathLike[str] | None = None,
        shuffle_seed: int | None = None,
        on_bad_row: OnBadRow = "raise",
    ) -> None:
        super().__init__()
        self.epoch = 0
        self._shards, self._seed, self._cut_by = list(shards), shuffle_seed, cut
        self._files, self._keeps_files = tuple(files), keeps_files
        self._transform, self._cache, self._on_bad_row = transform, cache, on_bad_row
        self._place, self._checkpoint = 0, ""
        self._rows: Any = None

    def set_epoch(self, epoch: int) -> None:
        """Begin another epoch, with shards in another order where they are shuffled."""
        if type(epoch) is not int or epoch < 0:
            raise QueryError(f"set_epoch() takes a whole number, got {describe(epoch)}")
        self.epoch = epoch
        self._place, self._checkpoint, self._rows = 0, "", None

    def __iter__(self) -> Iterator[Any]:
        index, number = _consumer()
        shards = self._in_order()[index::number]
        first, checkpoint = self._place, self._checkpoint
        self._place, self._checkpoint = 0, ""
        cache = None if self._cache is None else FileCache(self._cache)
        for place in range(first, len(shards)):
            rows = self._read(shards[place], checkpoint)
            checkpoint, self._place, self._rows = "", place, rows
            with rows:
                for row in rows:
                    made = self._with_files(row, cache) if self._files else row
                    yield made if self._transform is None else self._transform(made)
        # The next pass is a whole one.
        self._place, self._rows = 0, None

    def _read(self, shard: Any, checkpoint: str) -> Any:
        if checkpoint:
            return shard.resume(checkpoint, on_bad_row=self._on_bad_row)
        return shard.iterator(on_bad_row=self._on_bad_row)

    def _in_order(self) -> list[Any]:
        if self._seed is None:
            return self._shards
        return random.Random(f"{self._seed}:{self.epoch}").sample(self._shards, len(self._shards))

    def _with_files(self, row: dict[str, Any], cache: FileCache | None) -> dict[str, Any]:
        """Add the contents of files."""
        held: Mapping[str, RemoteFile] = (row[FILES] if self._keeps_files else row.pop(FILES)) or {}
        for name in self._files:
            if name not in held:
                raise QueryError(
                    f"to_torch(files=...): a row has no file {quoted(name)}{did_you_mean(name, held)}. "
                    f"It has: {', '.join(held) or 'none'}"
                )
            row[name] = held[name].read(cache=cache)
        return row

    # --- where it stands --------------------------------------------------------
    def state_dict(self) -> dict[str, Any]:
        """Give the position behind the last row of this worker, as plain values without secrets."""
        checkpoint = self._checkpoint if self._rows is None else self._rows.checkpoint
        return {
            "epoch": self.epoch,
            "consumer": list(_consumer()),
            "cut": self._cut,
            "shard": self._place,
            "checkpoint": checkpoint,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on at a position with the next `iter()`; that of another dataset or another worker is a `QueryError`."""
        match state:
            case {
                "epoch": int(epoch),
                "consumer": [int(), int()] as consumer,
                "cut": str(cut),
                "shard": int(place),
                "checkpoint": str(checkpoint),
            }:
                pass
            case _:
                raise QueryError(
                    f"load_state_dict() takes what state_dict() gave, not {describe(state)}; nothing was changed"
                )
        if list(consumer) != list(_consumer()):
            raise QueryError(
                f"this state is that of worker {consumer[0]} of {consumer[1]}, and this is worker "
                "{} of {}; go on with as many workers. Nothing was changed".format(*_consumer())
            )
        if cut != self._cut:
            raise QueryError(
                "this state is of other shards: rows came or went since, or the query or the seed is another one. "
                "Keep the dataset itself (it can be pickled) beside its state. Nothing was changed"
            )
        self.epoch, self._place, self._checkpoint, self._rows = epoch, place, checkpoint, None

    @property
    def _cut(self) -> str:
        """Tell shards from others."""
        return hashlib.sha256(f"{self._cut_by} {self._seed}".encode()).hexdigest()[:16]

    def __getstate__(self) -> dict[str, Any]:
        # A reading in progress stays where it is.
        stands = {"_checkpoint": self.state_dict()["checkpoint"], "_rows": None}
        return {**vars(self), **stands}


def _consumer() -> tuple[int, int]:
    """Tell which worker this is, of how many on all ranks."""
    grouped = distributed.is_available() and distributed.is_initialized()
    rank, ranks = (distributed.get_rank(), distributed.get_world_size()) if grouped else (0, 1)
    worker = get_worker_info()
    index, number = (worker.id, worker.num_workers) if worker is not None else (0, 1)
    return rank * number + index, ranks * number
