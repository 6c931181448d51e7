"""A journal in a folder that the workers of a cluster share: blocks of rows are created one after the other.

`rows.journal` is the journal of `bulk_create()`, which names rows by digests: a run that cuts its rows into other
blocks finds them there. Equal rows are numbered across blocks, so `claims-<write>.jsonl` tells which numbers each block
of a write has: one that is repeated, since its worker died, takes those that it had. `run.json` names the run that the
folder belongs to, as long as its driver holds `run.lock`.
"""

from __future__ import annotations

import json
import os

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from filelock import FileLock, Timeout

from synapse.errors import ConfigError, QueryError, describe
from synapse.orm import journal
from synapse.orm.changes import to_wire
from synapse.values import user_path

if TYPE_CHECKING:
    from synapse.orm.journal import Journal
    from synapse.orm.record import Record

_PATIENCE: Final = 600.0
"""Seconds in which the block before has to make some progress."""
_ROWS: Final = "rows.journal"


def folder_of(given: object) -> Path:
    """Check the path of a journal's folder, which may not be there yet."""
    if given is None:
        raise ConfigError(
            'CreateSink() needs a journal: CreateSink("TaskTag", journal="/shared/run7/"), a folder that all workers '
            "share. Ray repeats blocks whose worker died, and without one their rows would be created again. Nothing "
            "was sent"
        )
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise QueryError(f"journal takes the path of a folder, got {describe(given)}; nothing was sent")
    path = user_path(os.fsdecode(given), error=QueryError).absolute()
    if not path.parent.is_dir() or (path.exists() and not path.is_dir()):
        raise ConfigError(
            f"the journal {path} cannot be used: it is a folder, in one that is there. Nothing was sent"
        )
    return path


class Hold:
    """Holds a folder for one run, from its first block to its end or to the death of the driver."""

    def __init__(self, folder: Path, run: str) -> None:
        self._folder, self._run = folder, run
        self._lock: FileLock | None = None

    def take(self) -> None:
        """Take the folder, or refuse to be the second run in it."""
        if self._lock is not None:
            return
        lock = FileLock(self._folder / "run.lock", timeout=0, mode=0o600, thread_local=False)
        with _usable(self._folder):
            self._folder.mkdir(exist_ok=True)
            try:
                lock.acquire()
            except Timeout:
                raise QueryError(
                    f"another run is using the journal {self._folder}: wait for it to end, or give this one a folder "
                    "of its own. Nothing was sent"
                ) from None
            self._lock = lock
            with _writing(self._folder):
                for stale in self._folder.glob("claims-*.jsonl"):
                    stale.unlink()
                (self._folder / "run.json").write_text(json.dumps({"run": self._run}), encoding="ascii")

    def release(self) -> None:
        """Leave the folder to the next run."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


@attrs.frozen
class BlockJournal:
    """Opens the journal for one block of a write, once no other block is being created."""

    folder: Path
    run: str
    write: str
    block: int
    rows: Sequence[Record] = attrs.field(repr=False)

    @contextmanager
    def __call__(self, **owner: Any) -> Iterator[Journal]:
        """Open it for the rows, which are named as they were when this block was tried before."""
        with _writing(self.folder):
            self._check_run()
            with journal.opened(self.folder / _ROWS, **owner) as opened:
                digests = Counter(opened.digest(to_wire(each)) for each in self.rows)
                with _usable(self.folder):
                    before = self._claim(digests)
                opened.number_behind(before)
                yield opened

    def _check_run(self) -> None:
        with suppress(ValueError, OSError):
            if json.loads((self.folder / "run.json").read_bytes()).get("run") == self.run:
                return
        raise QueryError(
            f"the journal {self.folder} belongs to another run by now; nothing more was sent, and nothing is lost: "
            "start this one again when that has ended"
        )

    def _claim(self, digests: Mapping[str, int]) -> dict[str, int]:
        """Give how many equal rows other blocks have before each of these, and keep that."""
        path = self.folder / f"claims-{self.write}.jsonl"
        taken: Counter[str] = Counter()
        for claim in _claims(path):
            if claim["block"] == self.block:
                return self._again(claim, digests)
            taken.update(claim["rows"])
        before = {digest: taken[digest] for digest in digests if taken[digest]}
        with path.open("ab") as file:
            line = {"block": self.block, "rows": dict(digests), "before": before}
            file.write(json.dumps(line).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return before

    def _again(self, claim: Mapping[str, Any], digests: Mapping[str, int]) -> dict[str, int]:
        if claim["rows"] != digests:
            raise QueryError(
                f"block {self.block} has other rows than when it was tried before: what makes them has to give the "
                "same each time, since Ray repeats it. Nothing more was sent, and what was created is in the journal"
            )
        found: dict[str, int] = claim["before"]
        return found


def _claims(path: Path) -> list[dict[str, Any]]:
    """Read what blocks have; a torn last line is of one that has sent nothing."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    whole = [line for line in lines if line.endswith(b"\n")]
    if len(whole) < len(lines):
        os.truncate(path, sum(map(len, whole)))
    return list(map(json.loads, whole))


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Wait for the turn of a block; whoever holds it and makes no progress is not waited for without end."""
    lock = FileLock(folder / "writing.lock", timeout=_PATIENCE, mode=0o600, thread_local=False)
    with _usable(folder):
        if not folder.is_dir():
            raise FileNotFoundError("it is not there")
        _acquire(lock, folder)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, folder: Path) -> None:
    while True:
        before = _size(folder / _ROWS)
        with suppress(Timeout):
            lock.acquire()
            return
        if _size(folder / _ROWS) == before:
            raise ConfigError(
                f"another block has held the journal {folder} for {_PATIENCE:.0f} s and made no progress. Nothing of "
                "this block was sent; start the run again"
            )


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):
        return path.stat().st_size
    return 0


@contextmanager
def _usable(folder: Path) -> Iterator[None]:
    try:
        yield
    except Timeout:
        raise
    except OSError as error:
        raise ConfigError(
            f"the journal {folder} cannot be used ({error}): give a folder that takes files and locks, on storage that "
            "the driver and all workers share. Nothing of this block was sent"
        ) from error
